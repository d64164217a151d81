"""The archives that commands read and write: a file, or standard input and output."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from pyctl.errors import InvalidUsage


def opened(path: str | None, stack: ExitStack) -> IO[bytes]:
    """Open a file for the time of the stack; None is standard input. Raises `InvalidUsage` when it cannot be opened."""
    if path is None:
        return sys.stdin.buffer
    try:
        return stack.enter_context(open(path, "rb"))
    except OSError as error:
        raise InvalidUsage(f"open {path}: {(error.strerror or '').lower()}") from None


@contextmanager
def written(output: str | None, failure: str, verb: str) -> Iterator[Callable[[Iterable[bytes]], None]]:
    """What takes an archive: standard output where ``output`` is None. Raises `InvalidUsage`, before anything is asked for.

    A file has another name first: a download that breaks off leaves nothing that looks like an archive.
    """
    if output is None:
        if sys.stdout.isatty():
            raise InvalidUsage(f"cowardly refusing to {verb} to a terminal. Use the -o flag or redirect")
        yield _to_stdout
        return
    path = Path(output)
    if not path.parent.is_dir():
        raise InvalidUsage(f"{failure}: invalid output path: stat {path.parent}: no such file or directory")
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            yield file.writelines
        os.rename(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _to_stdout(pieces: Iterable[bytes]) -> None:
    sys.stdout.buffer.writelines(pieces)
