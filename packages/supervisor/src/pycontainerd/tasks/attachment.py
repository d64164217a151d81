"""An attachment: one client's view of a process's standard streams, live."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Literal, Self

from attrs import frozen

from pycontainerd.tasks.spill import SpillQueue
from pycontainerd.tasks.stdin import StdinFeeder

StreamName = Literal["stdout", "stderr"]


@frozen
class Chunk:
    """Bytes as they were read from the process, in order. A process with a terminal has only ``stdout``."""

    stream: StreamName
    data: bytes


class Attachment:
    """Iterate for the output; ``write`` for the input; leave the context, or ``detach``, to go.

    Iteration ends when the process has ended *and* everything it wrote was handed over. A slow reader stalls nobody: what it has
    not taken yet waits in memory up to a bound and in an unnamed file beyond. An attachment made before ``start`` sees the
    whole output. One task iterates, others may write.
    """

    def __init__(
        self,
        output: SpillQueue,
        stdin: StdinFeeder | None,
        *,
        backlog: AsyncIterator[Chunk] | None = None,
        on_stdin_end: Callable[[], Awaitable[None]],
        on_detach: Callable[[], None],
    ) -> None:
        self._output = output
        self._stdin = stdin
        self._backlog = backlog
        self._on_stdin_end = on_stdin_end
        self._on_detach = on_detach

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.detach()

    async def __aiter__(self) -> AsyncIterator[Chunk]:
        if self._backlog is not None:
            backlog, self._backlog = self._backlog, None
            async for chunk in backlog:
                yield chunk
        async for is_stderr, data in self._output:
            yield Chunk("stderr" if is_stderr else "stdout", data)

    async def write(self, data: bytes) -> None:
        """Feed the process, waiting while its pipe is full or while it is not started.

        Raises BrokenPipeError when the process does not read any more, or the attachment is without standard input.
        """
        if self._output.ended:
            raise BrokenPipeError("the process has ended")
        if self._stdin is None:
            raise BrokenPipeError(
                "this attachment has no standard input: attach with stdin=True to a process that has one"
            )
        await self._stdin.write(data)

    async def close_stdin(self) -> None:
        """Say that no more input comes from here. The process sees the end of file if its ``stdin_once`` (an exec: always) says so."""
        if self._stdin is not None:
            self._stdin = None
            await self._on_stdin_end()

    def detach(self) -> None:
        """Stop receiving; the process goes on. Safe to repeat."""
        self._output.close()
        self._on_detach()

    def end(self) -> None:
        """Take nothing more than what is there."""
        self._on_detach()
        self._output.end()
