"""Threads behind the awaitable client: one for each call, and one for each stream as long as it is open.

A blocking client belongs to one thread at a time. Calls borrow one of a few; a stream has its own, in a thread of its own, so that a hundred
followed logs keep nobody else waiting. Giving a stream up shuts its socket down, which wakes that thread.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar

from pyctl.hijack import Hijacked

if TYPE_CHECKING:
    from pyctl.client import Client
    from pyctl.models.containers import WaitResult
    from pyctl.resources.containers import PendingWait

T = TypeVar("T")
Head = TypeVar("Head")
Make = Callable[[], "Client"]
_END: Final = object()


class Runner:
    """Runs calls of blocking clients. Belongs to an `AsyncClient`."""

    def __init__(self, make: Make, most: int) -> None:
        self.make = make
        self._idle: list[Client] = []
        self._threads = ThreadPoolExecutor(most, thread_name_prefix="pyctl")

    async def call(self, act: Callable[[Client], T]) -> T:
        """What ``act`` returns, of a client that nobody else uses meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._act, act)

    def _act(self, act: Callable[[Client], T]) -> T:
        client = self._idle.pop() if self._idle else self.make()  # popping a list is one step for all threads
        try:
            return act(client)
        finally:
            self._idle.append(client)

    async def close(self) -> None:
        """After the last call."""
        await asyncio.to_thread(self._threads.shutdown)
        while self._idle:
            self._idle.pop().close()


class Lane:
    """One thread and one client, for what goes on for a while."""

    def __init__(self, runner: Runner) -> None:
        self._make = runner.make
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pyctl-stream")
        self._client: Client | None = None

    async def run(self, act: Callable[[Client], T]) -> T:
        """In this thread, one after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._act, act)

    def _act(self, act: Callable[[Client], T]) -> T:
        if self._client is None:
            self._client = self._make()
        return act(self._client)

    async def close(self) -> None:
        """Wakes the thread if it waits for the daemon, and ends it."""
        if self._client is not None:
            self._client.interrupt()
        await asyncio.to_thread(self._thread.shutdown)
        if self._client is not None:
            self._client.close()


class AsyncStream(Generic[T]):
    """Things that arrive, one after the other. Ends by itself, by ``aclose``, or with an ``async with``."""

    def __init__(self, runner: Runner, begin: Callable[[Client], Iterator[T]]) -> None:
        self._lane = Lane(runner)
        self._begin = begin
        self._items: Iterator[T] | None = None
        self._closed = False

    @classmethod
    async def with_head(cls, runner: Runner, begin: Callable[[Client], tuple[Iterator[T], Head]]) -> tuple[Self, Head]:
        """A stream that something is known of before it begins."""

        def no_items(_: Client) -> Iterator[T]:
            raise AssertionError("it has begun")

        stream = cls(runner, no_items)
        try:
            stream._items, head = await stream._lane.run(begin)
        except BaseException:
            await asyncio.shield(stream.aclose())
            raise
        return stream, head

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        if self._closed:
            raise StopAsyncIteration
        try:
            found = await self._lane.run(self._next)
        except BaseException:
            await asyncio.shield(self.aclose())  # also where the task was cancelled
            raise
        if found is _END:
            await self.aclose()
            raise StopAsyncIteration
        return found  # type: ignore[return-value]  # _END is no T

    def _next(self, client: Client) -> object:
        if self._items is None:
            self._items = self._begin(client)
        return next(self._items, _END)

    async def aclose(self) -> None:
        """Give up on what has not arrived yet."""
        if not self._closed:
            self._closed = True
            await self._lane.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class AsyncHijacked:
    """A connection that left HTTP (`pyctl.hijack.Hijacked`): one task may read while another writes."""

    def __init__(self, connection: Hijacked) -> None:
        self._connection = connection
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="pyctl-attached")

    async def read(self) -> bytes:
        """What has arrived, at least one byte; empty at the end."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._connection.read)

    async def write(self, data: bytes) -> None:
        """Send all of it."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._connection.write, data)

    async def close_write(self) -> None:
        """The other side sees the end of its input; its output still arrives."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._connection.close_write)

    async def aclose(self) -> None:
        """End both directions; a `read` that waits returns."""
        self._connection.shutdown()
        await asyncio.to_thread(self._threads.shutdown)
        with contextlib.suppress(OSError):
            self._connection.close()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[bytes]:
        while data := await self.read():
            yield data

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class AsyncPendingWait:
    """A wait that the daemon has acknowledged (`pyctl.resources.containers.PendingWait`)."""

    def __init__(self, lane: Lane, pending: PendingWait) -> None:
        self._lane = lane
        self._pending = pending

    @classmethod
    async def begun(cls, runner: Runner, begin: Callable[[Client], PendingWait]) -> Self:
        """Ask; returns when the daemon has acknowledged."""
        lane = Lane(runner)
        try:
            return cls(lane, await lane.run(begin))
        except BaseException:
            await asyncio.shield(lane.close())
            raise

    async def result(self) -> WaitResult:
        """When the condition is met."""
        try:
            return await self._lane.run(lambda _: self._pending.result())
        finally:
            await asyncio.shield(self._lane.close())
