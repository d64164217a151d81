"""linux.netDevices: network devices of the caller's network namespace, moved into the container's by rtnetlink(7).

The device keeps what is its own (hardware address, MTU) by the kernel's doing; its lasting addresses of global scope, which the kernel
drops on the way, are read before and given again behind, and it is brought up (config-linux.md, Network devices).
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from typing import Self

from attrs import field, frozen

from pyrunc import _native
from pyrunc.errors import LaunchFailed, SpecError, describe_errno

PATH = "linux.netDevices"

_CLONE_NEWNET = 0x40000000
_NETLINK_ROUTE = 0
_ERROR, _DONE = 2, 3
_NEWLINK, _GETLINK, _NEWADDR, _GETADDR = 16, 18, 20, 22
_REQUEST, _ACK, _DUMP, _CREATE, _EXCL = 0x1, 0x4, 0x300, 0x400, 0x200
_IFLA_IFNAME, _IFLA_NET_NS_FD = 3, 28
_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST, _IFA_FLAGS = 1, 2, 4, 8
_IFA_F_PERMANENT, _IFA_F_DADFAILED, _IFA_F_TENTATIVE = 0x80, 0x08, 0x40
_IFF_UP = 0x1
_SCOPE_UNIVERSE = 0
_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_KEPT = (_IFA_ADDRESS, _IFA_LOCAL, _IFA_BROADCAST)

Attributes = dict[int, bytes]


@frozen
class Move:
    """A device that is somewhere else now: what it takes to bring it back."""

    name: str
    inside: str


@frozen
class Netlink:
    """A socket of rtnetlink in one network namespace, and a descriptor of that namespace."""

    socket: socket.socket
    namespace: int

    def close(self) -> None:
        self.socket.close()
        os.close(self.namespace)

    def request(self, kind: int, flags: int, body: bytes) -> list[bytes]:
        """The messages that answer. Raises OSError with what the kernel says."""
        self.socket.send(_HEADER.pack(_HEADER.size + len(body), kind, flags | _REQUEST, 1, 0) + body)
        found: list[bytes] = []
        while True:
            for answer, payload in _messages(self.socket.recv(1 << 20)):
                if answer == _ERROR:
                    code = -struct.unpack_from("=i", payload)[0]
                    if code:
                        raise OSError(code, os.strerror(code))
                    return found
                if answer == _DONE:
                    return found
                found.append(payload)
            if not flags & (_DUMP | _ACK):
                return found

    def index(self, name: str) -> int:
        """The device's number. Raises OSError (ENODEV)."""
        (link,) = self.request(_GETLINK, 0, _LINK.pack(0, 0, 0, 0, 0) + _attribute(_IFLA_IFNAME, _text(name)))
        return int(_LINK.unpack_from(link)[2])

    def indices(self) -> set[int]:
        """The numbers of all devices."""
        links = self.request(_GETLINK, _DUMP, _LINK.pack(0, 0, 0, 0, 0))
        return {_LINK.unpack_from(link)[2] for link in links}

    def name_of(self, index: int) -> str:
        """What the device is called."""
        (link,) = self.request(_GETLINK, 0, _LINK.pack(0, 0, index, 0, 0))
        return _attributes(link[_LINK.size :])[_IFLA_IFNAME].rstrip(b"\0").decode()

    def addresses(self, index: int) -> list[bytes]:
        """The bodies of requests that give the device the lasting addresses of global scope that it has now."""
        answers = self.request(_GETADDR, _DUMP, _ADDRESS.pack(0, 0, 0, 0, 0))
        return [body for answer in answers if (body := _lasting(answer, index))]

    def set_link(self, index: int, flags: int, *attributes: bytes) -> None:
        """RTM_NEWLINK for a device that exists; ``flags`` are set, others left."""
        self.request(_NEWLINK, _ACK, _LINK.pack(0, 0, index, flags, flags) + b"".join(attributes))


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(data)
        yield kind, data[_HEADER.size : length]
        data = data[(length + 3) & ~3 :]


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def _attributes(data: bytes) -> Attributes:
    found = {}
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        found[kind & 0x3FFF] = data[_ATTRIBUTE.size : length]
        data = data[max((length + 3) & ~3, _ATTRIBUTE.size) :]
    return found


def _text(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape") + b"\0"


def _lasting(answer: bytes, index: int) -> bytes:
    family, prefix, flags, scope, owner = _ADDRESS.unpack_from(answer)
    attributes = _attributes(answer[_ADDRESS.size :])
    if _IFA_FLAGS in attributes:
        (flags,) = struct.unpack("=I", attributes[_IFA_FLAGS])
    if owner != index or scope != _SCOPE_UNIVERSE or not flags & _IFA_F_PERMANENT:
        return b""
    kept = flags & ~(_IFA_F_PERMANENT | _IFA_F_DADFAILED | _IFA_F_TENTATIVE)
    parts = [_attribute(kind, attributes[kind]) for kind in _KEPT if kind in attributes]
    return b"".join(
        (_ADDRESS.pack(family, prefix, 0, scope, 0), *parts, _attribute(_IFA_FLAGS, struct.pack("=I", kept)))
    )


def _given_to(index: int, body: bytes) -> bytes:
    family, prefix, flags, scope, _ = _ADDRESS.unpack_from(body)
    return _ADDRESS.pack(family, prefix, flags, scope, index) + body[_ADDRESS.size :]


def _opened(namespace: int) -> Netlink:
    """A socket belongs to the namespace in which it was made, so a thread enters that one to make it, and ends."""
    made: list[socket.socket] = []
    failed: list[int] = []

    def make() -> None:
        code = _native.lib.pyrunc_setns(namespace, _CLONE_NEWNET)
        if code:
            failed.append(-code)
        else:
            made.append(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if not made:
        os.close(namespace)
        why = f": {describe_errno(failed[0])}" if failed else ""
        raise LaunchFailed(f"{PATH}: the container's network cannot be reached{why}")
    return Netlink(made[0], namespace)


def _namespace(pid: int | str) -> int:
    return os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _move(index: int, source: Netlink, target: Netlink, name: str) -> str:
    """Take the device to ``target``, where it is called ``name`` (``%d`` for a free number); what it is called now."""
    addresses = source.addresses(index)
    before = target.indices()
    source.set_link(
        index,
        0,
        _attribute(_IFLA_IFNAME, _text(name)),
        _attribute(_IFLA_NET_NS_FD, struct.pack("=i", target.namespace)),
    )
    new = next(iter(target.indices() - before)) if "%d" in name else target.index(name)
    for body in addresses:
        target.request(_NEWADDR, _ACK | _CREATE | _EXCL, _given_to(new, body))
    target.set_link(new, _IFF_UP)
    return target.name_of(new)


def _exists(where: Netlink, name: str) -> bool:
    try:
        where.index(name)
    except OSError as error:
        if error.errno == errno.ENODEV:
            return False
        raise
    return True


@frozen
class NetDevices:
    """The devices of one container: ``move`` takes them in. A context: one that ends by an exception gives them back.

    Who holds it holds the container's network namespace too, so that devices are not destroyed with it before they are given back.
    """

    outside: Netlink
    inside: Netlink
    moved: list[Move] = field(factory=list)

    @staticmethod
    def open(pid: int) -> NetDevices:
        """For the process ``pid``, which is in the container's network namespace. Raises LaunchFailed, OSError."""
        outside = _opened(_namespace("thread-self"))
        try:
            return NetDevices(outside, _opened(_namespace(pid)))
        except BaseException:
            outside.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is not None:
            self.give_back()
        self.outside.close()
        self.inside.close()

    def move(self, names: Mapping[str, str]) -> None:
        """Check that all of ``names`` (outside to inside) can be moved, then move them. Raises SpecError naming the device."""
        if os.path.sameopenfile(self.outside.namespace, self.inside.namespace):
            raise SpecError(PATH, "the container's network namespace is the caller's own: there is nowhere to move to")
        for name, inside in names.items():
            self._check(name, inside)
        for name, inside in names.items():
            try:
                called = _move(self.outside.index(name), self.outside, self.inside, inside)
            except OSError as error:
                raise SpecError(f"{PATH}.{name}", f"cannot be moved: {describe_errno(error.errno or 0)}") from error
            self.moved.append(Move(name, called))

    def _check(self, name: str, inside: str) -> None:
        if not _exists(self.outside, name):
            raise SpecError(f"{PATH}.{name}", "there is no such network device", name)
        if "%d" not in inside and _exists(self.inside, inside):
            raise SpecError(f"{PATH}.{name}.name", f"the container has a network device {inside} already", inside)

    def give_back(self) -> None:
        """As far as that is possible."""
        for move in reversed(self.moved):
            try:
                _move(self.inside.index(move.inside), self.inside, self.outside, move.name)
            except OSError:
                continue
        self.moved.clear()
