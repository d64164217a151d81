"""The thread whose event loop does the work, and the ways to have it do something."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, TypeVar

T = TypeVar("T")
_END: Final = object()


class LoopThread:
    """Runs from the moment it is made until ``close``. Calls come from any other thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # A daemon thread: a program that forgets to close may end all the same; its containers go on, as they would after a crash.
        self._thread = threading.Thread(target=self._run, name="pycontainerd-loop", daemon=True)
        self._thread.start()

    def call(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Run it on the loop and wait for what comes of it.

        Raises what the coroutine raises; TimeoutError after ``timeout`` seconds, and RuntimeError where nobody could ever answer.
        Whatever ends the waiting cancels the coroutine.
        """
        try:
            self._check()
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError:
            coroutine.close()
            raise
        try:
            return future.result(timeout)
        finally:
            future.cancel()  # does nothing to one that is done

    def do(self, function: Callable[[], T]) -> T:
        """Call a function on the loop's thread."""

        async def run() -> T:
            return function()

        return self.call(run())

    def iterate(self, source: AsyncIterator[T]) -> Iterator[T]:
        """What an asynchronous iterator gives, as it comes; it is closed when this iterator is."""
        try:
            while (item := self.call(_next(source))) is not _END:
                yield item  # type: ignore[misc]
        finally:
            close: Callable[[], Awaitable[None]] | None = getattr(source, "aclose", None)
            if close is not None and self._thread.is_alive():
                self._finish(_await(close()))

    @contextlib.contextmanager
    def context(self, manager: AbstractAsyncContextManager[T]) -> Iterator[T]:
        """An asynchronous context manager as a plain one."""
        value = self.call(manager.__aenter__())
        try:
            yield value
        except BaseException as error:
            if not self.call(manager.__aexit__(type(error), error, error.__traceback__)):
                raise
        else:
            self.call(manager.__aexit__(None, None, None))

    def close(self) -> None:
        """End the loop and its thread; safe to repeat."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _finish(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Wait for it, unless a forgotten iterator is collected on the loop's own thread, of all threads."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        if threading.current_thread() is not self._thread:
            future.result()

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            asyncio.set_event_loop(self._loop)
            self._loop.run_forever()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())

    def _check(self) -> None:
        if not self._thread.is_alive():
            raise RuntimeError("the supervisor is closed: open another one on the same root")
        if threading.current_thread() is self._thread:
            raise RuntimeError("a blocking call on the supervisor's own loop would wait for itself: use pycontainerd")


async def arriving(pieces: Iterable[T]) -> AsyncIterator[T]:
    """A plain iterable for the loop, which must not wait for the next piece itself."""
    source = iter(pieces)
    while (piece := await asyncio.to_thread(next, source, _END)) is not _END:
        yield piece  # type: ignore[misc]


async def _next(source: AsyncIterator[T]) -> T | object:
    return await anext(source, _END)


async def _await(awaitable: Awaitable[T]) -> T:
    return await awaitable
