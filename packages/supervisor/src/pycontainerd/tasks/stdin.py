"""Feeding a process's standard input without blocking the loop."""

from __future__ import annotations

import asyncio
import contextlib
import os

from pycontainerd.tasks.pipes import widen


class StdinFeeder:
    """Writers may come before the process: they wait until ``open``. The descriptor is owned here once it was handed over."""

    def __init__(self) -> None:
        self._fd = -1
        self._opened = asyncio.Event()
        self._order = asyncio.Lock()
        self._blocked: asyncio.Future[None] | None = None

    def open(self, fd: int) -> None:
        """The process reads from the other end of ``fd`` (a pipe, or a terminal's master)."""
        os.set_blocking(fd, False)
        widen(fd)
        self._fd = fd
        self._opened.set()

    async def write(self, data: bytes) -> None:
        """Write all of ``data``. BrokenPipeError: nobody reads it any more."""
        async with self._order:
            await self._opened.wait()
            rest = memoryview(data)
            while rest:
                rest = rest[await self._write_some(rest) :]

    async def drained(self) -> None:
        """Return once every write that was begun before is done."""
        async with self._order:
            pass

    def close(self, *, for_good: bool = True) -> None:
        """Close the descriptor; blocked writers get BrokenPipeError, and later ones too, or (not ``for_good``) they wait for ``open``."""
        if self._fd >= 0:
            with contextlib.suppress(ValueError, OSError):
                asyncio.get_running_loop().remove_writer(self._fd)
            os.close(self._fd)
        self._fd = -1
        if for_good:
            self._opened.set()
        else:
            self._opened.clear()
        self._unblock()

    def _unblock(self) -> None:
        if self._blocked is not None and not self._blocked.done():
            self._blocked.set_result(None)

    async def _write_some(self, data: memoryview) -> int:
        if self._fd < 0:
            raise BrokenPipeError("the standard input of this process is closed")
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            await self._writable()
            return 0
        except OSError as error:  # EIO is a terminal's way to say that nobody is there
            raise BrokenPipeError("the process does not read its standard input any more") from error

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        self._blocked = loop.create_future()
        fd = self._fd
        loop.add_writer(fd, self._unblock)
        try:
            await self._blocked
        finally:
            if self._fd == fd:
                loop.remove_writer(fd)
            self._blocked = None
