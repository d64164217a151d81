"""From a process's pipes into its log, each byte once, whatever kills the supervisor at whatever instruction.

A batch goes through three files. (1) ``Spool.take`` moves it from the pipe to the stream's spool, atomically. (2) The whole lines of
the spool's new part are appended to the log. (3) The journal is set to the log's new size and the spool's new position, atomically.

Killed before (1) is done, the bytes are in the pipe, which the container's monitor holds. Killed after (1) or within (2), the journal
still has the old state: the log is cut back to the size it names and the spool's part is logged again. There is no case in which one has to guess.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from pycontainerd.logs.compressor import Compressor
from pycontainerd.logs.format import Format
from pycontainerd.logs.journal import Journal, Progress
from pycontainerd.logs.jsonfile import JsonFile
from pycontainerd.logs.lines import whole
from pycontainerd.logs.record import LogStream
from pycontainerd.logs.rotation import Rotation
from pycontainerd.logs.spool import Spool

_logger = logging.getLogger(__name__)
_STREAMS: tuple[LogStream, LogStream] = ("stdout", "stderr")
_JSON = JsonFile()
_COMPACT = 1 << 20
"""A spool whose logged part is larger than this, in bytes, is replaced by one with only the rest."""


@frozen
class Standing:
    """How far a log has got at one moment: ``size`` bytes of its current file, and ``rest``, what was taken and is not in there, in order."""

    size: int
    rest: tuple[tuple[bool, bytes], ...]


class Intake:
    """One container's way into its log. Used by one thread at a time; the making of it repairs what the last one left."""

    waits = True
    """Whether who takes may have to wait for the disk."""

    def __init__(
        self,
        directory: Path,
        log: Path,
        rotation: Rotation,
        *,
        form: Format = _JSON,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._log_path = log
        self._rotation = rotation
        self._form = form
        self._clock = clock
        self._compressor = Compressor(log) if rotation.compress else None
        self._directory = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._log = self._open_log()
        self._journal = Journal(self._directory)
        self._progress = self._journal.read() or self._begin()
        self._spools = [Spool(self._directory, name, self._progress.generation[i]) for i, name in enumerate(_STREAMS)]
        self._pending = [b"", b""]
        """What was taken and is not logged: the end of each spool, kept here so that it is not read again with each batch."""
        self._repair()
        if self._compressor is not None:
            self._compressor.wake()

    def take(self, fd: int, is_stderr: bool) -> bytes:
        """Move a batch from ``fd`` into the log, and return it; empty at the end of the stream, BlockingIOError when nothing is there."""
        try:
            data = self._spools[is_stderr].take(fd)
        except OSError as error:
            if isinstance(error, BlockingIOError) or not _disk_is_full(error):
                raise
            # The process must go on when the disk is full, as it does with docker: its watchers see this, its log does not.
            _logger.warning("%s: output is not logged: %s", self._log_path, error.strerror)
            return os.read(fd, 64 << 10)
        self._pending[is_stderr] += data
        return data

    def log(self, is_stderr: bool, *, ended: bool = False) -> bool:
        """Log the complete lines that were taken (``ended``: the rest too). Returns whether there were any."""
        pending, logged = self._pending[is_stderr], self._progress.logged[is_stderr]
        length = whole(pending, ended=ended)
        if not length:
            return False
        self._append(self._form.encode(_STREAMS[is_stderr], pending[:length], self._clock()))
        self._pending[is_stderr] = pending[length:]
        self._advance(is_stderr, logged + length)
        if logged + length > _COMPACT:
            self._compact(is_stderr)
        if self._rotation.is_due(self._progress.log_size):
            self._rotate()
        return True

    def write(self, is_stderr: bool, data: bytes, time_ns: int) -> None:
        """Log whole records that somebody else has taken, at ``time_ns``."""
        self._append(self._form.encode(_STREAMS[is_stderr], data, time_ns))
        self._save()
        if self._rotation.is_due(self._progress.log_size):
            self._rotate()

    def hand_over(self, is_stderr: bool) -> bytes:
        """The beginning of a line that an earlier intake has kept: it is the caller's, and not kept any more."""
        data, self._pending[is_stderr] = self._pending[is_stderr], b""
        self._advance(is_stderr, self._progress.logged[is_stderr] + len(data))
        return data

    def keep(self, is_stderr: bool, data: bytes) -> None:
        """The other way round, for a next intake."""
        self._pending[is_stderr] += self._spools[is_stderr].add(data)

    def standing(self) -> Standing:
        """What the log has, and what was taken but is not a whole line yet."""
        return Standing(self.log_size, ((False, self._pending[False]), (True, self._pending[True])))

    def drain(self, then: Callable[[], None]) -> None:
        """Call ``then`` when all is logged that was to be: at once."""
        then()

    @property
    def log_size(self) -> int:
        """How many bytes of the log's current file are written and will stay."""
        return self._progress.log_size

    def close(self, *, finished: bool) -> None:
        """Close the files, which are not used any more when this returns. ``finished``: both streams ended and were logged, so that spools and journal are not needed any more."""
        if self._compressor is not None:
            self._compressor.close()
        for spool in self._spools:
            spool.discard() if finished else spool.close()
        self._journal.close()
        if finished:  # last, because without it a spool would be logged again
            with contextlib.suppress(FileNotFoundError):
                os.unlink(Journal.NAME, dir_fd=self._directory)
        os.close(self._log)
        os.close(self._directory)

    def _open_log(self) -> int:
        return os.open(self._log_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)

    def _begin(self) -> Progress:
        """The first state: said before anything is taken, because without it the next intake would not know what to cut off."""
        progress = Progress(log_size=self._form.sound_size(self._log))
        self._journal.write(progress)
        return progress

    def _repair(self) -> None:
        size = os.fstat(self._log).st_size
        if size < self._progress.log_size:  # killed between rotating the file and saying so
            self._save(log_size=size)
        os.ftruncate(self._log, self._progress.log_size)
        for is_stderr in (False, True):
            if self._spools[is_stderr].size < self._progress.logged[is_stderr]:  # killed while closing for good
                self._advance(is_stderr, self._spools[is_stderr].size)
            self._pending[is_stderr] = self._spools[is_stderr].read(self._progress.logged[is_stderr])
            self.log(is_stderr)

    def _append(self, data: bytes) -> None:
        try:
            view, offset = memoryview(data), self._progress.log_size
            while view:
                written = os.pwrite(self._log, view, offset)
                view, offset = view[written:], offset + written
        except OSError as error:
            if not _disk_is_full(error):
                raise
            _logger.warning("%s: output is not logged: %s", self._log_path, error.strerror)
            os.ftruncate(self._log, self._progress.log_size)
            return
        self._progress = _with(self._progress, log_size=offset)

    def _advance(self, is_stderr: bool, position: int) -> None:
        out, err = self._progress.logged
        self._save(logged=(out, position) if is_stderr else (position, err))

    def _compact(self, is_stderr: bool) -> None:
        old = self._spools[is_stderr]
        self._spools[is_stderr] = old.next_generation(self._progress.logged[is_stderr])
        out, err = self._spools
        logged = (self._progress.logged[0], 0) if is_stderr else (0, self._progress.logged[1])
        self._save(generation=(out.generation, err.generation), logged=logged)
        old.discard()

    def _rotate(self) -> None:
        with self._compressor.lock if self._compressor is not None else contextlib.nullcontext():
            self._rotation.rotate(self._log_path)
        os.close(self._log)
        self._log = self._open_log()
        self._save(log_size=0)
        if self._compressor is not None:
            self._compressor.wake()

    def _save(
        self,
        *,
        log_size: int | None = None,
        generation: tuple[int, int] | None = None,
        logged: tuple[int, int] | None = None,
    ) -> None:
        self._progress = _with(self._progress, log_size=log_size, generation=generation, logged=logged)
        self._journal.write(self._progress)


def _with(
    progress: Progress,
    *,
    log_size: int | None = None,
    generation: tuple[int, int] | None = None,
    logged: tuple[int, int] | None = None,
) -> Progress:
    return Progress(
        log_size=progress.log_size if log_size is None else log_size,
        generation=progress.generation if generation is None else generation,
        logged=progress.logged if logged is None else logged,
    )


def _disk_is_full(error: OSError) -> bool:
    from errno import EDQUOT, EFBIG, ENOSPC

    return error.errno in {ENOSPC, EDQUOT, EFBIG}
