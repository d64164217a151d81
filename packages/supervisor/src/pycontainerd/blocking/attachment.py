"""One client's view of a process's standard streams."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from pycontainerd.blocking.loop import LoopThread
from pycontainerd.tasks import attachment as asynchronous
from pycontainerd.tasks.attachment import Chunk


class Attachment:
    """See `pycontainerd.Attachment`. One thread iterates, others may write."""

    def __init__(self, loop: LoopThread, attachment: asynchronous.Attachment) -> None:
        self._loop, self._attachment = loop, attachment

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.detach()

    def __iter__(self) -> Iterator[Chunk]:
        return self._loop.iterate(aiter(self._attachment))

    def write(self, data: bytes) -> None:
        """Feed the process; returns when it was taken. Raises BrokenPipeError."""
        self._loop.call(self._attachment.write(data))

    def close_stdin(self) -> None:
        """Say that no more input comes from here."""
        self._loop.call(self._attachment.close_stdin())

    def detach(self) -> None:
        """Stop receiving; the process goes on. Safe to repeat."""
        self._loop.do(self._attachment.detach)

    def end(self) -> None:
        """Take nothing more than what is there."""
        self._loop.do(self._attachment.end)
