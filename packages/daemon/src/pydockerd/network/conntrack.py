"""Forgetting connections that the kernel tracks and that lead elsewhere now.

Rules of address translation are asked for the first packet of a connection only. TCP begins a new one each time; a client of UDP goes on sending from the same
port, and would go on to where there is nobody, or to whom has the address now, until he is silent for half a minute. So when a port of UDP is published,
or is so no longer, what is known of it is forgotten, as dockerd does.

Source: linux/netfilter/nfnetlink_conntrack.h. Everything blocks: it runs in the thread of `kernel`.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Collection, Iterator
from typing import Final

from pydockerd.network.netlink import attributes

_NETLINK_NETFILTER: Final = 12
_SUBSYSTEM: Final = 1 << 8
_GET: Final = _SUBSYSTEM | 1
_DELETE: Final = _SUBSYSTEM | 2
_REQUEST_DUMP: Final = 0x1 | 0x300
_REQUEST: Final = 0x1
_TUPLE_ORIG: Final = 1
_ZONE: Final = 18
_UDP: Final = 17
_HEADER: Final = struct.Struct("=IHHII")
_FAMILY: Final = struct.Struct("=BBH")
_BUFFER: Final = 1 << 16


def forget(ports: Collection[int]) -> int:
    """Forget the datagrams to these ports of the machine, whichever address and whichever version; how many connections that were."""
    if not ports:
        return 0
    forgotten = 0
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER) as asking:
        asking.bind((0, 0))
        for family in (socket.AF_INET, socket.AF_INET6):
            for entry in [entry for entry in _entries(asking, family) if _leads_to(entry, ports)]:
                asking.send(_delete(family, entry))
                forgotten += 1
    return forgotten


def _entries(asking: socket.socket, family: int) -> Iterator[dict[int, bytes]]:
    asking.send(_message(_GET, _REQUEST_DUMP, family, b""))
    while True:
        data = asking.recv(_BUFFER)
        at = 0
        while at + _HEADER.size <= len(data):
            length, kind, *_ = _HEADER.unpack_from(data, at)
            if kind != _SUBSYSTEM:  # IPCTNL_MSG_CT_NEW is what a dump consists of; anything else ends it
                return
            yield attributes(data[: at + length], at + _HEADER.size + _FAMILY.size)
            at += (length + 3) & ~3


def _leads_to(entry: dict[int, bytes], ports: Collection[int]) -> bool:
    protocol = attributes(attributes(entry.get(_TUPLE_ORIG, b""), 0).get(2, b""), 0)
    return protocol.get(1) == bytes([_UDP]) and int.from_bytes(protocol.get(3, b""), "big") in ports


def _delete(family: int, entry: dict[int, bytes]) -> bytes:
    body = _attribute(_TUPLE_ORIG | 0x8000, entry[_TUPLE_ORIG])
    if _ZONE in entry:
        body += _attribute(_ZONE, entry[_ZONE])
    return _message(_DELETE, _REQUEST, family, body)


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def _message(kind: int, flags: int, family: int, body: bytes) -> bytes:
    length = _HEADER.size + _FAMILY.size + len(body)
    return _HEADER.pack(length, kind, flags, 1, 0) + _FAMILY.pack(family, 0, 0) + body
