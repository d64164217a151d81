"""The sockets of a server, inside of a sandbox's network namespace, and the packet rules that send port 53 to them.

A socket stays in the namespace that it was made in. So a thread goes in, opens them and ends; it never comes back, and so cannot go on somewhere else.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from typing import Final, TypeVar

from attrs import frozen

from pydockerd.errors import InternalError
from pydockerd.network import netlink
from pydockerd.network.dns.resolvconf import INTERNAL
from pydockerd.network.nft import Nftables

_T = TypeVar("_T")
_TABLE: Final = "pydockerd-dns"
_BACKLOG: Final = 128
_BUFFER: Final = 1 << 20


@frozen
class Sockets:
    """Both have the same port."""

    udp: socket.socket
    tcp: socket.socket

    def close(self) -> None:
        """Give the port back."""
        self.udp.close()
        self.tcp.close()


async def inside(netns: str, function: Callable[[], _T]) -> _T:
    """``function()`` in a thread of its own, in the network namespace at this path. OSError when that is gone."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def settle(result: _T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        try:
            fd = os.open(netns, os.O_RDONLY | os.O_CLOEXEC)
            try:
                netlink.enter(fd)
            finally:
                os.close(fd)
            result = function()
        except BaseException as error:
            loop.call_soon_threadsafe(settle, None, error)
        else:
            loop.call_soon_threadsafe(settle, result, None)

    threading.Thread(target=run, name="pydockerd-netns", daemon=True).start()
    return await done


async def open_sockets(netns: str) -> Sockets:
    """Listen inside, and have port 53 lead there; rules that another daemon has left are replaced. OSError, InternalError."""
    return await inside(netns, _open)


def _open() -> Sockets:
    for _ in range(16):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            tcp.bind((INTERNAL, 0))
            tcp.listen(_BACKLOG)
            udp.bind((INTERNAL, tcp.getsockname()[1]))
        except OSError as error:
            tcp.close()
            udp.close()
            last = error
            continue  # somebody has this port for UDP
        try:
            _lead(tcp.getsockname()[1])
        except BaseException:
            tcp.close()
            udp.close()
            raise
        return Sockets(udp, tcp)
    raise last


def _lead(port: int) -> None:
    """A new table takes the kernel a third of the time that exchanging one does, and mostly there is none."""
    nftables = Nftables()
    try:
        try:
            nftables.run(f"list table ip {_TABLE}")
        except InternalError:
            nftables.run(rules(port))
        else:  # of a daemon that was killed
            nftables.run(f"delete table ip {_TABLE}\n{rules(port)}")
    finally:
        nftables.close()


def rules(port: int) -> str:
    """nft's words for the whole table."""
    return f"""table ip {_TABLE} {{
  chain output {{
    type nat hook output priority -100; policy accept;
    ip daddr {INTERNAL} meta l4proto {{ tcp, udp }} th dport 53 dnat to {INTERNAL}:{port}
  }}
}}
"""
