"""The daemon's database below its data root, beside the supervisor's: the same class, with tables of its own.

Every change is one transaction; ``kill -9`` leaves the state before it or after it. What is done to the kernel or to the disk is written down before
it is begun, so that a daemon that starts finds it in the tables and ends it, one way or the other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pycontainerd.metadata.database import Database
from pycontainerd.metadata.reserve import Reserve
from pydockerd.state.schema import STEPS

NAME: Final = "daemon.db"
_RESERVE: Final = "daemon.reserve"


@contextlib.contextmanager
def open_database(data_root: Path) -> Iterator[Database]:
    """The database of the daemon whose data root this is; made if it is not there. Blocks.

    Raises StoreTooNew, StoreDamaged, StoreFailed. On a full disk it can still be opened and written to, so that something can be removed.
    """
    reserve = Reserve(data_root / _RESERVE)
    reserve.spend_if_full()
    database = Database(data_root / NAME, reserve, steps=STEPS)
    reserve.keep()
    try:
        yield database
    finally:
        database.close()
