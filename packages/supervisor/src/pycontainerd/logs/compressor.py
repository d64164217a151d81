"""Compressing what was put aside, beside the thread that writes the log: it must not wait for that.

A reader that is in one of the files finds the next one although the one that it reads has become another file: the name in the header of a
compressed file is the identity of the original, which is its inode and the time of its last change. (Neither is enough alone: inodes are
used again, and several files may be finished in one tick of the kernel's clock.)
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from threading import Event, Lock, Thread
from typing import IO, cast

from isal import igzip

from pycontainerd.logs.rotation import compressed, files, is_compressed, numbered

_BLOCK = 256 << 10
_LEVEL = 1
_HEADER = 80
"""Bytes in which a header of gzip with its ten fixed bytes and an identity is contained."""


class Compressor:
    """Of one log. ``lock`` is held while files get other names; whoever rotates holds it too. ``close`` ends what is going on: the rest is
    done when the log is opened the next time."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.lock = Lock()
        self._state = Lock()
        self._wanted = self._running = False
        self._closing = Event()
        self._thread: Thread | None = None

    def wake(self) -> None:
        """There may be something to compress."""
        with self._state:
            self._wanted = True
            if not self._running:
                self._running = True
                self._thread = Thread(target=self._run, name="pycontainerd-compress", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Stop, within the time of a block."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._goes_on():
            with contextlib.suppress(OSError):  # the disk is full, or the log is gone: it stays as it is
                while not self._closing.is_set() and (path := self._next()) is not None:
                    self._compress(path)

    def _goes_on(self) -> bool:
        """Whether somebody has asked since the last look; if not, the next who asks needs another thread."""
        with self._state:
            self._running, self._wanted = self._wanted and not self._closing.is_set(), False
            return self._running

    def _next(self) -> Path | None:
        return next((path for path in files(self._log)[:-1] if not is_compressed(path)), None)

    def _compress(self, path: Path) -> None:
        working = self._log.with_name(f"{self._log.name}.compressing")
        try:
            with path.open("rb") as source, working.open("wb") as file:
                before = os.fstat(source.fileno())
                os.fchmod(file.fileno(), before.st_mode & 0o777)
                with _compressing(file, identity_of(before)) as target:
                    while not self._closing.is_set() and (block := source.read(_BLOCK)):
                        target.write(block)
                file.flush()
            if not self._closing.is_set():
                self._replace(working, before)
        except FileNotFoundError:
            return  # rotated away meanwhile
        finally:
            working.unlink(missing_ok=True)

    def _replace(self, working: Path, original: os.stat_result) -> None:
        """Under whatever number the file has by now."""
        with self.lock:
            for number in range(1, len(files(self._log))):
                plain = numbered(self._log, number)
                with contextlib.suppress(FileNotFoundError):
                    if os.path.samestat(plain.stat(), original):
                        working.rename(compressed(self._log, number))
                        plain.unlink()
                        return


def identity_of(stat: os.stat_result) -> str:
    """Of a file that is not compressed, and is not written to any more."""
    return f"{stat.st_ino}.{stat.st_mtime_ns}"


def identity(path: Path) -> str:
    """Of a file of a log, compressed or not. FileNotFoundError."""
    if not is_compressed(path):
        return identity_of(path.stat())
    with path.open("rb") as file:
        return _name(file)


def expand(path: Path, target: IO[bytes]) -> str:
    """Write the contents of a compressed file to ``target``, and return its identity."""
    with path.open("rb") as file:
        known = _name(file)
        file.seek(0)
        with cast("IO[bytes]", igzip.IGzipFile(fileobj=file, mode="rb")) as source:  # type: ignore[no-untyped-call]
            shutil.copyfileobj(source, target, _BLOCK)
    return known


def _name(file: IO[bytes]) -> str:
    """From the header of a compressed file."""
    return file.read(_HEADER)[10:].partition(b"\0")[0].decode("latin-1")


def _compressing(file: IO[bytes], name: str) -> IO[bytes]:
    """What is written to the result goes to ``file`` compressed."""
    stream = igzip.IGzipFile(filename=name, fileobj=file, mode="wb", compresslevel=_LEVEL)  # type: ignore[no-untyped-call]
    return cast("IO[bytes]", stream)
