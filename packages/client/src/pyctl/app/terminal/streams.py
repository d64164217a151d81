"""This command's standard streams joined to a container's, until the container's output ends or the user detaches."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from pyctl.app.terminal import console
from pyctl.app.terminal.keys import Detector
from pyctl.errors import Detached
from pyctl.streams import copy, demultiplex, raw

if TYPE_CHECKING:
    from pyctl.hijack import Hijacked

_READ_SIZE = 65536


@attrs.frozen
class Wiring:
    """What is joined: whether there is a terminal at the other end (then output is raw), and which directions."""

    tty: bool
    stdin: bool
    output: bool = True
    detach_keys: bytes | None = None
    """None where nothing detaches: input that is no terminal's passes unchanged."""


class Exchange:
    """Copies in both directions. `begin` starts with the input, `finish` copies the output until its end."""

    def __init__(self, connection: Hijacked, wiring: Wiring) -> None:
        self._connection = connection
        self._wiring = wiring
        self._detached = threading.Event()
        # A daemon thread: when the output has ended, nobody waits for the user to type one more key.
        self._input = threading.Thread(target=self._send_input, name="stdin", daemon=True)

    @contextlib.contextmanager
    def begun(self) -> Iterator[None]:
        """Send input while the body runs, with the terminal in raw mode where it is one for the container's terminal."""
        with contextlib.ExitStack() as stack:
            if self._wiring.stdin:
                if self._wiring.tty:
                    stack.enter_context(console.raw())
                self._input.start()
            yield

    def finish(self) -> None:
        """Copy output until the daemon ends it. Raises `Detached` when the user typed the keys."""
        if self._wiring.output:
            chunks = iter(self._connection.read, b"")
            try:
                copy(raw(chunks) if self._wiring.tty else demultiplex(chunks), sys.stdout.buffer, sys.stderr.buffer)
            except OSError:
                if not self._detached.is_set():
                    raise
        elif self._wiring.stdin:
            self._input.join()
        if self._detached.is_set():
            raise Detached

    def _send_input(self) -> None:
        detector = Detector(self._wiring.detach_keys or b"")
        # The container may end, and its end of the connection with it, while there is still input.
        with contextlib.suppress(OSError):
            while typed := os.read(console.STDIN, _READ_SIZE):
                passed, detached = detector.feed(typed)
                if passed:
                    self._connection.write(passed)
                if detached:
                    self._detached.set()
                    self._connection.shutdown()  # wakes the reader
                    return
            self._connection.write(detector.rest())
        self._connection.close_write()
