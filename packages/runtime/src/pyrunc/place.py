"""Where a container's things are: what its own object and those of its execs share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pyrunc.cgroups.driver import Cgroup
from pyrunc.errors import ContainerNotFound
from pyrunc.model import frozen
from pyrunc.state import Record
from pyrunc.statedir import StateDirectory


@frozen(kw_only=True)
class Place:
    """One container. ``identity`` is its state directory's, and tells it from a later container with the same id."""

    root: str
    record: Record
    cgroup: Cgroup
    identity: tuple[int, int]

    def open(self) -> StateDirectory:
        """Its directory. Raises ContainerNotFound if it has been deleted."""
        return StateDirectory.open(self.root, self.record.id, self.identity)

    @contextmanager
    def locked(self, *, shared: bool = False) -> Iterator[StateDirectory]:
        """Its directory, locked as long as the block runs. Raises ContainerNotFound."""
        with self.open() as directory:
            directory.lock(shared=shared)
            yield directory

    def open_exec(self, exec_id: str) -> int | None:
        """A descriptor of the directory of a monitored exec; None if it is gone."""
        with suppress(ContainerNotFound, FileNotFoundError):
            with self.open() as directory:
                return directory.open_exec(exec_id)
        return None
