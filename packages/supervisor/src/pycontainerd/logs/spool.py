"""The step between a pipe and the log: a file whose size says exactly how much was taken from the pipe.

splice(2) from a pipe to a regular file consumes from the pipe exactly the bytes that it has written to the file, and does both before a
signal, SIGKILL included, is looked at. read(2) followed by write(2) has a moment in which bytes are in neither.
"""

from __future__ import annotations

import contextlib
import os

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
BATCH = 64 << 10


class Spool:
    """``spool.<stream>.<generation>`` in ``directory`` (a descriptor). ``size`` counts the bytes that were ever put into this generation."""

    def __init__(self, directory: int, stream: str, generation: int) -> None:
        self._directory = directory
        self._stream = stream
        self.generation = generation
        self._fd = os.open(self._name(generation), _FLAGS, 0o600, dir_fd=directory)
        self.size = os.fstat(self._fd).st_size
        self._remove_others()

    def take(self, fd: int) -> bytes:
        """Move up to 64 KiB from the pipe or terminal ``fd`` here, and return them; empty at the end of the stream.

        BlockingIOError when there is nothing. A terminal cannot be spliced atomically: what was read of it in the very moment of a
        SIGKILL is lost.
        """
        try:
            count = os.splice(fd, self._fd, BATCH, offset_dst=self.size, flags=os.SPLICE_F_NONBLOCK)
        except OSError as error:
            if not _unspliceable(error):
                raise
            return self.add(os.read(fd, BATCH))
        self.size += count
        return self.read(self.size - count)

    def add(self, data: bytes) -> bytes:
        """Append ``data`` and return it."""
        self.size += os.pwrite(self._fd, data, self.size)
        return data

    def read(self, offset: int) -> bytes:
        """All bytes from ``offset`` on."""
        return os.pread(self._fd, self.size - offset, offset)

    def next_generation(self, offset: int) -> Spool:
        """A fresh spool with what this one has from ``offset`` on. This one stays until the next one is opened anew or ``discard``."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._name(self.generation + 1), dir_fd=self._directory)
        fresh = Spool.__new__(Spool)
        fresh._directory, fresh._stream, fresh.generation, fresh.size = (
            self._directory,
            self._stream,
            self.generation + 1,
            0,
        )
        fresh._fd = os.open(fresh._name(fresh.generation), _FLAGS, 0o600, dir_fd=self._directory)
        fresh.add(self.read(offset))
        return fresh

    def discard(self) -> None:
        """Close and delete."""
        self.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._name(self.generation), dir_fd=self._directory)

    def close(self) -> None:
        """Close; the file stays."""
        os.close(self._fd)

    def _name(self, generation: int) -> str:
        return f"spool.{self._stream}.{generation}"

    def _remove_others(self) -> None:
        for name in os.listdir(self._directory):
            if name.startswith(f"spool.{self._stream}.") and name != self._name(self.generation):
                os.unlink(name, dir_fd=self._directory)


def _unspliceable(error: OSError) -> bool:
    from errno import EINVAL

    return error.errno == EINVAL
