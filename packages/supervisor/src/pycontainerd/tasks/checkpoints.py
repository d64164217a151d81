"""Checkpoints of containers, by CRIU: what is asked of it, as values."""

from __future__ import annotations

import os

from attrs import frozen

import pyrunc
from pycontainerd.containers.config import ContainerConfig
from pycontainerd.errors import Unsupported


@frozen(kw_only=True)
class CheckpointOptions:
    """What CRIU leaves alone unless it is asked for: connections over TCP, sockets whose other ends are outside, locks of files.

    What a checkpoint was made with, it has to be restored with.
    """

    tcp_established: bool = False
    external_unix_sockets: bool = False
    file_locks: bool = False

    def to_save(self, *, leave_running: bool) -> pyrunc.CheckpointOptions:
        """In the runtime's words."""
        return pyrunc.CheckpointOptions(
            leave_running=leave_running,
            tcp_established=self.tcp_established,
            ext_unix_sk=self.external_unix_sockets,
            file_locks=self.file_locks,
        )

    def to_restore(self) -> pyrunc.RestoreOptions:
        """In the runtime's words."""
        return pyrunc.RestoreOptions(
            tcp_established=self.tcp_established,
            ext_unix_sk=self.external_unix_sockets,
            file_locks=self.file_locks,
        )


@frozen(kw_only=True)
class Checkpoint:
    """One to go on from: the directory that it was written to."""

    directory: str
    options: CheckpointOptions

    @classmethod
    def at(cls, directory: str | os.PathLike[str], options: CheckpointOptions | None) -> Checkpoint:
        """With the directory as it is meant now, whatever becomes of the working directory."""
        return cls(directory=os.path.abspath(os.fspath(directory)), options=options or CheckpointOptions())


def check(container: str, config: ContainerConfig) -> None:
    """Unsupported for a container that could be saved, but not restored."""
    if config.userns == "private":
        raise Unsupported(
            f"container {container} cannot be checkpointed: its layers are mounted for its own user namespace, which CRIU cannot make again"
        )
