"""The one thread in which links and packet rules are changed: the kernel does it under one lock anyway, and so the order is ours."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from attrs import frozen

from pydockerd.network import netlink
from pydockerd.network.netlink import Netlink
from pydockerd.network.nft import Nftables

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
        self._host: Netlink | None = None
        self._nft = Nftables()

    async def run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """``function(*args, **kwargs)`` in the thread. Being cancelled does not stop it."""
        call = partial(function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    @property
    def host(self) -> Netlink:
        """The machine's links. In the thread only, as all that follows."""
        if self._host is None:
            self._host = Netlink()
        return self._host

    def load(self, rules: str) -> None:
        """One transaction of nftables; nothing for no text."""
        if rules:
            self._nft.run(rules)

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
        self._thread.submit(self._close).result()
        self._thread.shutdown()

    def _close(self) -> None:
        self._nft.close()
        if self._host is not None:
            self._host.close()


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)
