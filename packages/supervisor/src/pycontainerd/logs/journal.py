"""How far the log has got: one small record, replaced as a whole.

A pwrite(2) of less than a page to a file is not torn by SIGKILL, so the journal always holds one complete state. (After a power
failure there is no container left to go on with; the log is then taken as it is.)
"""

from __future__ import annotations

import os
from struct import Struct, error

from attrs import frozen

_FORMAT = Struct("<8sQIIQQ")
_MAGIC = b"pyclog01"


@frozen(kw_only=True)
class Progress:
    """``log_size`` bytes of the log are good; of the spool of each stream (stdout, stderr), ``generation`` is the one in use and its
    first ``logged`` bytes are in the log."""

    log_size: int = 0
    generation: tuple[int, int] = (0, 0)
    logged: tuple[int, int] = (0, 0)


class Journal:
    """The file ``journal`` in the directory ``directory`` (a descriptor)."""

    NAME = "journal"

    def __init__(self, directory: int) -> None:
        self._fd = os.open(self.NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600, dir_fd=directory)

    def read(self) -> Progress | None:
        """The last state, or None when there is none yet."""
        try:
            magic, size, out, err, logged_out, logged_err = _FORMAT.unpack(os.pread(self._fd, _FORMAT.size, 0))
        except error:
            return None
        if magic != _MAGIC:
            return None
        return Progress(log_size=size, generation=(out, err), logged=(logged_out, logged_err))

    def write(self, progress: Progress) -> None:
        """Replace the state."""
        os.pwrite(self._fd, _FORMAT.pack(_MAGIC, progress.log_size, *progress.generation, *progress.logged), 0)

    def close(self) -> None:
        """Close the file; it stays."""
        os.close(self._fd)
