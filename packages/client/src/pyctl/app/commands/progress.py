"""Progress of a load, import or pull, as docker shows it: on a terminal each layer has its line, elsewhere only changes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TextIO

from pyctl.errors import CommandFailed
from pyctl.models.images import Progress


def show(messages: Iterator[Progress], *, to_stderr: bool = False, quiet: bool = False) -> None:
    """Print the messages as they come. Raises `CommandFailed` with the daemon's text for a failure on the way."""
    out = sys.stderr if to_stderr else sys.stdout
    lines = _Lines(out)
    for message in messages:
        if text := message.error_detail.message or message.error:
            raise CommandFailed(text, message.error_detail.code or 1)
        if not quiet and (message.stream or message.status):  # a push ends with a message for programs alone
            lines.show(message)


class _Lines:
    """Where on the terminal each layer's line is (docker's jsonmessage.DisplayJSONMessagesStream)."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._terminal = out.isatty()
        self._rows: dict[str, int] = {}

    def show(self, message: Progress) -> None:
        if not message.id or not self._terminal:
            self._plain(message)
            return
        if message.id not in self._rows:
            self._rows[message.id] = len(self._rows)
            self._out.write("\n")
        up = len(self._rows) - self._rows[message.id]
        self._out.write(f"\x1b[{up}A\x1b[2K\r{self._text(message)}\r\x1b[{up}B")
        self._out.flush()

    def _plain(self, message: Progress) -> None:
        if self._terminal:
            self._rows = {}  # what follows scrolls: the lines above are out of reach
        elif message.progress:
            return  # a bar is for eyes only
        self._out.write(message.stream or self._text(message) + "\n")
        self._out.flush()

    def _text(self, message: Progress) -> str:
        head = f"{message.id}: " if message.id else ""
        return " ".join(part for part in (head + message.status, message.progress) if part)
