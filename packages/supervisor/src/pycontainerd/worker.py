"""The threads in which the supervisor waits for the kernel, so that its event loop does not; and waiting for them."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Worker:
    """A bounded pool. Context variables go along, so spans that are recorded on the loop are recorded in here too."""

    def __init__(self, threads: int = 16) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="pycontainerd")

    async def run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """``function(*args, **kwargs)`` in a thread. Being cancelled does not stop the thread."""
        call = partial(contextvars.copy_context().run, partial(function, *args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def close(self) -> None:
        """Wait for what runs, take nothing more."""
        self._pool.shutdown(wait=True)


async def to_its_end(work: Awaitable[_T]) -> _T:
    """What comes of work in a thread. A caller that is cancelled waits for it all the same: what the thread uses must not go meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await ended(task)
        raise


async def ended(work: Awaitable[Any]) -> None:
    """Wait whatever comes of it, and however often somebody cancels."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([task])
