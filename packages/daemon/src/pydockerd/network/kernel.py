"""The one thread in which links and packet rules are made: the kernel does it under one lock anyway, and so the order is ours.

A second one deletes links of sandboxes that have ended: the kernel takes 20 ms to be sure that nobody looks at a link any more, most of them without
its lock, and nobody need wait for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from attrs import frozen

from pydockerd.network import conntrack, netlink
from pydockerd.network.netlink import Netlink
from pydockerd.network.nft import Nftables

_logger = logging.getLogger(__name__)
_P = ParamSpec("_P")
_T = TypeVar("_T")


@frozen
class Inside:
    """A sandbox's network namespace while its thread is in it: the socket, and the descriptor that stands for it."""

    netlink: Netlink
    fd: int


class Kernel:
    """Begins at the first use: a daemon whose containers need no network has neither the thread nor the libraries."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pydockerd-network")
        self._deleter = ThreadPoolExecutor(1, thread_name_prefix="pydockerd-unplug")
        self._own = threading.local()
        self._sockets: list[Netlink] = []
        self._nft = Nftables()

    async def run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """``function(*args, **kwargs)`` in the thread. Being cancelled does not stop it."""
        call = partial(function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def delete(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """The same in the thread for what is to go; it must not load rules."""
        call = partial(function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._deleter, call)

    @property
    def host(self) -> Netlink:
        """The machine's links, by a socket of the thread's own. In a thread only, as all that follows."""
        found: Netlink | None = getattr(self._own, "host", None)
        if found is None:
            found = self._own.host = Netlink()
            self._sockets.append(found)
        return found

    def load(self, rules: str, datagram_ports: Collection[int] = ()) -> None:
        """One transaction of nftables, nothing for no text; then what was known of these ports is forgotten."""
        if rules:
            self._nft.run(rules)
        try:
            conntrack.forget(datagram_ports)
        except OSError as error:  # the rules are in force all the same, for whoever is silent for half a minute
            _logger.warning("datagrams may go where they went before: %s", error)

    @contextlib.contextmanager
    def inside(self, path: str) -> Iterator[Inside]:
        """Be in the network namespace at ``path`` (``/proc/1234/ns/net``). OSError when it is gone."""
        with _opened(path) as fd, _opened("/proc/thread-self/ns/net") as home:
            netlink.enter(fd)
            try:
                with Netlink() as socket:
                    yield Inside(socket, fd)
            finally:
                netlink.enter(home)

    def close(self) -> None:
        """Finish what was asked for."""
        self._thread.shutdown()
        self._deleter.shutdown()
        self._nft.close()
        for socket in self._sockets:
            socket.close()


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)
