"""Route netlink: messages by pyroute2, many of them in one packet, and an answer for each. Everything blocks: it runs in the thread of `kernel`.

pyroute2's own sockets run an event loop each and ask several times for what we know; so the messages are its, and the socket is a plain one. A socket
stays in the network namespace that it was made in, whatever its thread does later: that is how links inside of containers are reached.

The library takes 0.3 s to import, and is imported with the first network.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from attrs import frozen

NLM_F_REQUEST: Final = 0x1
NLM_F_ACK: Final = 0x4
NLM_F_REPLACE: Final = 0x100
NLM_F_EXCL: Final = 0x200
NLM_F_CREATE: Final = 0x400
_DUMP: Final = NLM_F_REQUEST | 0x300
_NLMSG_ERROR: Final = 2
_RTM_NEWLINK: Final = 16
_RTM_DELLINK: Final = 17
_RTM_GETLINK: Final = 18
_RTM_NEWADDR: Final = 20
_RTM_NEWROUTE: Final = 24
_RTM_DELROUTE: Final = 25
_HEADER: Final = struct.Struct("=IHHII")
_LINK: Final = struct.Struct("=BxHiII")
_IFF_UP: Final = 1
_IFA_F_NODAD: Final = 0x02
_EXT_MASK_SKIP_STATS: Final = 1 << 3
_IFLA_IFNAME: Final = 3
_IFLA_MASTER: Final = 10
_IFLA_LINKINFO: Final = 18
_IFLA_IFALIAS: Final = 20
_CLONE_NEWNET: Final = 0x40000000
_BUFFER: Final = 1 << 16

Attributes = Sequence[tuple[str, Any]]


class NetlinkError(OSError):
    """The kernel's answer to one message; the text says to which."""


@frozen
class Message:
    """One request. ``what`` says it for people; errors in ``ignored`` are none."""

    what: str
    type: int
    flags: int
    body: Any
    ignored: frozenset[int] = frozenset()


@frozen
class Link:
    """What is asked about one: ``master`` is the number of the bridge that it is a port of, or 0; ``alias`` is its mark."""

    name: str
    index: int
    master: int
    alias: str
    kind: str


class Netlink:
    """A socket in one network namespace."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        try:
            self._socket.bind((0, 0))
            # the answers to errors need not bring the request along (NETLINK_CAP_ACK of netlink(7)), but their texts (NETLINK_EXT_ACK)
            self._socket.setsockopt(270, 10, 1)
            self._socket.setsockopt(270, 11, 1)
        except BaseException:
            self._socket.close()
            raise
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def send(self, *messages: Message) -> None:
        """All of them in one packet; the kernel does them in this order. Raises NetlinkError for the first that failed, when all are answered."""
        if not messages:
            return
        first = self._sequence + 1
        packet = bytearray()
        for message in messages:
            self._sequence += 1
            packet += _encoded(message, self._sequence)
        self._socket.send(packet)
        failed: list[tuple[int, int, str]] = []
        waiting = set(range(first, self._sequence + 1))
        while waiting:
            for kind, sequence, flags, data in self._answers():
                if kind != _NLMSG_ERROR or sequence not in waiting:
                    continue
                waiting.discard(sequence)
                number = -int.from_bytes(data[:4], "little", signed=True)
                if number and number not in messages[sequence - first].ignored:
                    failed.append((sequence, number, _reason(data, flags)))
        if failed:
            sequence, number, reason = min(failed)
            text = f"{messages[sequence - first].what}: {os.strerror(number)}" + (f" ({reason})" if reason else "")
            raise NetlinkError(number, text)

    def index(self, name: str) -> int:
        """The number of a link; 0 when there is none of this name."""
        found = self.link(name)
        return found.index if found is not None else 0

    def link(self, name: str) -> Link | None:
        """A link by its name. Not from /sys, which may be another network namespace's."""
        self._sequence += 1
        body = _body("ifinfmsg", (("IFLA_IFNAME", name), ("IFLA_EXT_MASK", _EXT_MASK_SKIP_STATS)), {})
        self._socket.send(_encoded(Message(f"find {name}", _RTM_GETLINK, NLM_F_REQUEST, body), self._sequence))
        while True:
            for kind, sequence, _, data in self._answers():
                if sequence == self._sequence:
                    return _link(data) if kind == _RTM_NEWLINK else None

    def links(self) -> list[Link]:
        """All of them."""
        self._sequence += 1
        body = _body("ifinfmsg", (("IFLA_EXT_MASK", _EXT_MASK_SKIP_STATS),), {})
        self._socket.send(_encoded(Message("list links", _RTM_GETLINK, _DUMP, body), self._sequence))
        found: list[Link] = []
        while True:
            for kind, sequence, _, data in self._answers():
                if sequence == self._sequence and kind == _RTM_NEWLINK:
                    found.append(_link(data))
                elif sequence == self._sequence:
                    return found  # NLMSG_DONE, or an error

    def _answers(self) -> Iterator[tuple[int, int, int, bytes]]:
        data = self._socket.recv(_BUFFER)
        at = 0
        while at + _HEADER.size <= len(data):
            length, kind, flags, sequence, _ = _HEADER.unpack_from(data, at)
            yield kind, sequence, flags, data[at + _HEADER.size : at + length]
            at += (length + 3) & ~3


def _link(data: bytes) -> Link:
    """By hand: of the answer's hundred attributes three are needed, and decoding all takes longer than all else that is done to a link."""
    found = attributes(data, _LINK.size)
    kind = attributes(found.get(_IFLA_LINKINFO, b""), 0).get(1, b"")
    return Link(
        name=found.get(_IFLA_IFNAME, b"").rstrip(b"\0").decode(errors="replace"),
        index=_LINK.unpack_from(data)[2],
        master=int.from_bytes(found.get(_IFLA_MASTER, b""), sys.byteorder),
        alias=found.get(_IFLA_IFALIAS, b"").rstrip(b"\0").decode(errors="replace"),
        kind=kind.rstrip(b"\0").decode(errors="replace"),
    )


def attributes(data: bytes, at: int) -> dict[int, bytes]:
    """The attributes from a place on, by their numbers; nested ones are decoded by calling it again."""
    found = {}
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            break
        found[kind & 0x3FFF] = data[at + 4 : at + length]
        at += (length + 3) & ~3
    return found


def _reason(data: bytes, flags: int) -> str:
    """The kernel's own words (NLMSGERR_ATTR_MSG), behind the error and the header of the request."""
    at = 4 + _HEADER.size
    while flags & 0x200 and at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if kind == 1:
            return data[at + 4 : at + length].rstrip(b"\0").decode(errors="replace")
        at += max(4, (length + 3) & ~3)
    return ""


def _encoded(message: Message, sequence: int) -> bytes:
    header = message.body["header"]
    header["type"], header["flags"], header["sequence_number"] = message.type, message.flags, sequence
    message.body.reset()
    message.body.encode()
    data = bytes(message.body.data)
    return data + bytes(-len(data) % 4)


def _body(kind: str, attributes: Attributes, fields: Mapping[str, int]) -> Any:
    from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
    from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
    from pyroute2.netlink.rtnl.rtmsg import rtmsg

    body = {"ifinfmsg": ifinfmsg, "ifaddrmsg": ifaddrmsg, "rtmsg": rtmsg}[kind]()
    for name, value in fields.items():
        body[name] = value
    body["attrs"] = [list(attribute) for attribute in attributes if attribute[1] is not None]
    return body


def preload() -> None:
    """Import the library, which takes a moment."""
    _body("ifinfmsg", (), {})


_NEW: Final = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL
_CHANGE: Final = NLM_F_REQUEST | NLM_F_ACK


def new_link(
    name: str,
    kind: str,
    attributes: Attributes = (),
    *,
    data: Attributes | None = None,
    up: bool = True,
) -> Message:
    """Make a link of a kind; with ``up`` it is up at once."""
    information: list[tuple[str, Any]] = [("IFLA_INFO_KIND", kind)]
    if data is not None:
        information.append(("IFLA_INFO_DATA", {"attrs": [list(each) for each in data]}))
    everything = (
        ("IFLA_IFNAME", name),
        *attributes,
        ("IFLA_LINKINFO", {"attrs": [list(each) for each in information]}),
    )
    return Message(f"make the {kind} {name}", _RTM_NEWLINK, _NEW, _body("ifinfmsg", everything, _flags(up=up)))


def peer(name: str, attributes: Attributes) -> tuple[str, Any]:
    """The other end of a pair of links, as an attribute of the first. It cannot be up yet: the kernel makes it before it knows of the first."""
    return "VETH_INFO_PEER", {"attrs": [["IFLA_IFNAME", name], *(list(each) for each in attributes)]}


def change_link(index: int, attributes: Attributes = (), *, up: bool | None = None, what: str = "") -> Message:
    """Change a link by its number."""
    fields = {"index": index, **({} if up is None else _flags(up=up))}
    return Message(what or f"change link {index}", _RTM_NEWLINK, _CHANGE, _body("ifinfmsg", attributes, fields))


def change_named(name: str, attributes: Attributes, *, what: str = "") -> Message:
    """Change a link by its name: behind the message that makes it, in the same packet, so that nothing is ever half made."""
    return Message(
        what or f"set up {name}", _RTM_NEWLINK, _CHANGE, _body("ifinfmsg", (("IFLA_IFNAME", name), *attributes), {})
    )


def delete_link(name: str, ignored: frozenset[int] = frozenset()) -> Message:
    """Delete a link, and with one end of a pair the other."""
    body = _body("ifinfmsg", (("IFLA_IFNAME", name),), {})
    return Message(f"delete the link {name}", _RTM_DELLINK, _CHANGE, body, ignored)


def new_address(index: int, interface: str) -> Message:
    """Give a link an address (``172.17.0.1/16``); it may have it already."""
    text, _, length = interface.partition("/")
    six = ":" in text
    fields = {"family": socket.AF_INET6 if six else socket.AF_INET, "prefixlen": int(length), "index": index}
    # nobody else has an address that we give away: it need not be looked for (DAD), which takes a second
    attributes = [("IFA_ADDRESS", text), ("IFA_LOCAL", text)] + ([("IFA_FLAGS", _IFA_F_NODAD)] if six else [])
    flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE
    return Message(f"add the address {interface}", _RTM_NEWADDR, flags, _body("ifaddrmsg", attributes, fields))


def default_route(version: int, index: int, gateway: str = "", *, delete: bool = False) -> Message:
    """The way to everywhere: by a gateway, or straight out of the link."""
    fields = {
        "family": socket.AF_INET6 if version == 6 else socket.AF_INET,
        "dst_len": 0,
        "table": 254,
        "proto": 3,
        "scope": 0 if gateway or version == 6 else 253,
        "type": 1,
    }
    attributes = [("RTA_GATEWAY", gateway or None), ("RTA_OIF", index)]
    if delete:
        body = _body("rtmsg", attributes, {**fields, "scope": 255})
        return Message("delete the default route", _RTM_DELROUTE, _CHANGE, body, frozenset({3}))  # ESRCH
    flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE
    return Message(f"add the default route {gateway}", _RTM_NEWROUTE, flags, _body("rtmsg", attributes, fields))


def _flags(*, up: bool) -> dict[str, int]:
    return {"flags": _IFF_UP if up else 0, "change": _IFF_UP}


def enter(fd: int) -> None:
    """Move this thread into the network namespace of a descriptor (setns(2), which Python has from 3.12 on)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot enter the network namespace: {os.strerror(number)}")
