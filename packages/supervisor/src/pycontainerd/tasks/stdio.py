"""The standard streams of a container or an exec, over all its runs: who watches, who writes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from pycontainerd.logs.buffered import Way
from pycontainerd.logs.notifier import Notifier
from pycontainerd.tasks.attachment import Attachment, Chunk
from pycontainerd.tasks.channel import Channel
from pycontainerd.tasks.hub import Hub
from pycontainerd.tasks.spill import SpillQueue
from pycontainerd.tasks.stdin import StdinFeeder
from pycontainerd.worker import Worker
from pyrunc import Streams

Backlog = Callable[[Channel | None], AsyncIterator[Chunk]]


class Stdio:
    """Connects the streams of each run with the attachments, which may come before, while and after it runs.

    ``stdin_once``: the first attachment that ends its input ends the process's.
    """

    def __init__(
        self, name: str, worker: Worker, spill_directory: Path, *, stdin: bool, stdin_once: bool, waits: bool = False
    ) -> None:
        """``waits``: the process waits for who watches it, as it would at the end of a pipe; a container that has a log waits for nobody."""
        self.hub = Hub(spill_directory, waits=waits)
        self.notifier = Notifier()
        self.channel: Channel | None = None
        self._name = name
        self._worker = worker
        self._feeder = StdinFeeder() if stdin else None
        self._stdin_once = stdin_once
        self._stdin_ended = False
        self._close_stdin: Callable[[], None] | None = None

    def connect(self, streams: Streams, intake: Way | None, close_stdin: Callable[[], None]) -> Channel:
        """A run begins: ``streams`` (which are duplicated here) feed a new channel; ``close_stdin`` lets the monitor close its end."""
        if streams.console is not None:
            ends = {streams.console: False}
            stdin: int | None = streams.console
        else:
            ends = {
                end: is_stderr
                for end, is_stderr in ((streams.stdout, False), (streams.stderr, True))
                if end is not None
            }
            stdin = streams.stdin
        with contextlib.ExitStack() as opened:  # all of them or, when there are too many descriptors, none
            outputs = {_duplicate(end, opened): is_stderr for end, is_stderr in ends.items()}
            if self._feeder is not None and stdin is not None:
                self._feeder.open(os.dup(stdin))
            opened.pop_all()
        self._close_stdin = close_stdin
        self.notifier = Notifier()
        self.channel = Channel(self._name, outputs, self.hub, intake, self.notifier)
        return self.channel

    async def begin(self) -> None:
        """The process has started: let its input end at once if its only writer has left already."""
        if self._stdin_ended:
            await self._end_stdin()

    def disconnect(self) -> None:
        """The run is over."""
        if self._feeder is not None:
            self._feeder.close(for_good=False)
        self._close_stdin = None
        self._stdin_ended = False
        self.channel = None

    def close(self) -> None:
        """The supervisor closes, or the container is removed."""
        if self._feeder is not None:
            self._feeder.close()
        self.hub.end()
        self.notifier.finish()

    async def attach(self, *, stdin: bool, stdout: bool, stderr: bool, backlog: Backlog | None = None) -> Attachment:
        """A new attachment; ``backlog`` gives what was said before, and is asked at a moment when nothing is being said."""
        queue = self.hub.queue()
        before: AsyncIterator[Chunk] | None = None
        if backlog is None:
            self.hub.add(queue, stdout=stdout, stderr=stderr)
        else:
            before = await self._worker.run(self._join, queue, stdout, stderr, backlog)
        return Attachment(
            queue,
            self._feeder if stdin else None,
            backlog=before,
            on_stdin_end=self._attachment_ended_stdin,
            on_detach=lambda: self.hub.unsubscribe(queue),
        )

    def _join(self, queue: SpillQueue, stdout: bool, stderr: bool, backlog: Backlog) -> AsyncIterator[Chunk]:
        """In a thread, because the pump may hold the channel while it waits for the disk."""
        channel = self.channel
        with channel.lock if channel is not None else contextlib.nullcontext():
            self.hub.add(queue, stdout=stdout, stderr=stderr)
            return backlog(channel)

    async def _attachment_ended_stdin(self) -> None:
        if self._feeder is None or not self._stdin_once:
            return
        await self._feeder.drained()
        self._stdin_ended = True
        await self._end_stdin()

    async def _end_stdin(self) -> None:
        close = self._close_stdin
        if close is None or self._feeder is None:
            return
        self._feeder.close()
        await self._worker.run(close)


def _duplicate(fd: int, opened: contextlib.ExitStack) -> int:
    copy = os.dup(fd)
    opened.callback(os.close, copy)
    return copy
