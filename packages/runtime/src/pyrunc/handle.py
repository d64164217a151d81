"""One process of a container, its first or an exec's: what can be done to either."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from pyrunc.children import reap
from pyrunc.endings import Ending
from pyrunc.errors import ProcessGone, PyruncError
from pyrunc.model import define, field
from pyrunc.processes import ExitStatus, send_signal
from pyrunc.stdio import Streams, set_window_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.monitor import MonitorClient
    from pyrunc.state import ProcessRecord


@define
class Handle:
    """``kept``: the caller's ends of pipes or terminal, for a process without a monitor; given away by the first ``streams``."""

    record: ProcessRecord
    directory: Callable[[], int | None]
    kept: Streams | None = None
    ending: Ending = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.ending = Ending(self.record, self.directory)

    def kill(self, signal: int) -> None:
        """Raises ProcessGone."""
        send_signal(self.record.process, signal)

    def wait(self, timeout: float | None) -> ExitStatus:
        """Raises TimeoutError."""
        return self.ending.wait(timeout)

    def streams(self) -> Streams:
        """The caller's ends. Raises ProcessGone if the monitor that had them has ended, PyruncError if nobody has them."""
        if self.record.monitor is not None:
            with self.monitor() as monitor:
                info = monitor.info()
                return Streams(info.stdin, info.stdout, info.stderr, info.console)
        if self.kept is None:
            raise PyruncError(
                "the streams of this process are not here: it has no monitor, and its stdio was not made of pipes"
            )
        kept, self.kept = self.kept, None
        return kept

    def close_stdin(self) -> None:
        """Let the process read the end of its input. Harmless if it has ended, or has no pipe there."""
        if self.record.monitor is not None:
            with suppress(ProcessGone), self.monitor() as monitor:
                monitor.close_stdin()
        elif self.kept is not None and self.kept.stdin is not None:
            stdin, self.kept.stdin = self.kept.stdin, None
            os.close(stdin)

    def resize(self, rows: int, columns: int) -> None:
        """Set the terminal's size. Raises PyruncError if the process has none that can be reached from here."""
        if not self.record.terminal:
            raise PyruncError("this process has no terminal to resize")
        if self.record.monitor is None and self.kept is not None and self.kept.console is not None:
            set_window_size(self.kept.console, rows, columns)
            return
        with self.streams() as streams:
            if streams.console is None:
                raise ProcessGone("the terminal is gone")
            set_window_size(streams.console, rows, columns)

    def release(self) -> None:
        """The process has ended and nobody needs its streams any more: let the monitor end, and leave no zombie."""
        if self.record.monitor is not None:
            with suppress(ProcessGone), self.monitor() as monitor:
                monitor.release()
            reap(self.record.monitor.pid)
        self.ending.reap_if_ended()
        if self.kept is not None:
            self.kept.close()

    @contextmanager
    def monitor(self) -> Iterator[MonitorClient]:
        """A connection to the monitor. Raises ProcessGone if it has ended."""
        from pyrunc.monitor import MonitorClient

        directory = self.directory()
        if directory is None:
            raise ProcessGone("the container has been deleted")
        try:
            with MonitorClient.connect(directory) as client:
                yield client
        finally:
            os.close(directory)
