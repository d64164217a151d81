"""Logs of several containers as one: by time where they have an end, as they come where they are followed. Lines that match, where only those are wanted."""

from __future__ import annotations

import contextlib
import heapq
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import attrs

from pyctl.app.session import client, session
from pyctl.errors import PyctlError
from pyctl.streams import STDERR, Piece

if TYPE_CHECKING:
    from pyctl.app.options.log_flags import LogFlags
    from pyctl.client import Client

Open = Callable[["Client", str, "LogFlags"], Iterator[Piece]]
_COLOURS: Final = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)  # ANSI, but for the reds, which look like errors
_WAITING: Final = 10_000  # lines; then the daemon has to wait for who reads


@attrs.frozen(order=True)
class Line:
    """One line of one container. Its order is that of its time."""

    time: bytes
    container: int
    stream: int = attrs.field(order=False)
    text: bytes = attrs.field(order=False)


def show(names: Sequence[str], flags: LogFlags, open_logs: Open) -> None:
    """Print them. With one name, only because of ``--grep``, lines say nothing of whose they are."""
    for name in names:
        client().containers.inspect(name)  # what is not there is told before anything is shown
    lines = _followed(names, flags, open_logs) if flags.follow else _merged(names, flags, open_logs)
    prefixes = _prefixes(names)
    for line in lines:
        if flags.grep is None or flags.grep.search(line.text.decode(errors="replace")):
            _print(line, prefixes[line.container], flags)


def _print(line: Line, prefix: bytes, flags: LogFlags) -> None:
    out = sys.stderr.buffer if line.stream == STDERR else sys.stdout.buffer
    out.write(prefix + (line.time + b" " if flags.timestamps else b"") + line.text + b"\n")
    out.flush()


def _prefixes(names: Sequence[str]) -> list[bytes]:
    if len(names) == 1:
        return [b""]
    width = max(len(name) for name in names)
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    texts = [f"{name:<{width}} | " for name in names]
    if not coloured:
        return [text.encode() for text in texts]
    return [f"\x1b[{_COLOURS[n % len(_COLOURS)]}m{text}\x1b[0m".encode() for n, text in enumerate(texts)]


def _merged(names: Sequence[str], flags: LogFlags, open_logs: Open) -> Iterator[Line]:
    with contextlib.ExitStack() as stack:
        # A client for each, as all of them are read side by side.
        clients = [stack.enter_context(contextlib.closing(session().another_client())) for _ in names]
        parts = zip(range(len(names)), clients, names, strict=True)
        yield from heapq.merge(*(_lines(number, open_logs(own, name, _timed(flags))) for number, own, name in parts))


def _timed(flags: LogFlags) -> LogFlags:
    return attrs.evolve(flags, timestamps=True)


def _lines(number: int, pieces: Iterator[Piece]) -> Iterator[Line]:
    rest: dict[int, bytes] = {}
    for piece in pieces:
        *whole, rest[piece.stream] = (rest.get(piece.stream, b"") + piece.data).split(b"\n")
        yield from (_line(number, piece.stream, text) for text in whole)
    yield from (_line(number, stream, text) for stream, text in rest.items() if text)


def _line(number: int, stream: int, text: bytes) -> Line:
    time, _, shown = text.partition(b" ")
    return Line(time, number, stream, shown.removesuffix(b"\r"))


def _followed(names: Sequence[str], flags: LogFlags, open_logs: Open) -> Iterator[Line]:
    found: queue.Queue[Line | PyctlError | None] = queue.Queue(_WAITING)

    def follow(number: int, name: str) -> None:
        try:
            with contextlib.closing(session_.another_client()) as own:
                for line in _lines(number, open_logs(own, name, _timed(flags))):
                    found.put(line)
            found.put(None)
        except PyctlError as error:
            found.put(error)

    session_ = session()  # which is only known to the thread that began
    for number, name in enumerate(names):
        threading.Thread(target=follow, args=(number, name), daemon=True).start()
    left = len(names)
    while left:
        line = found.get()
        if isinstance(line, PyctlError):
            raise line
        if line is None:
            left -= 1
        else:
            yield line
