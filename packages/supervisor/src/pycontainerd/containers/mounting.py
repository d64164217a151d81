"""The seam to whoever keeps what containers mount: volumes of docker, disks of a cluster. The supervisor itself knows bind mounts only."""

from __future__ import annotations

from typing import Protocol

from pycontainerd.containers.config import ContainerConfig


class MountProvider(Protocol):
    """Makes the sources of a container's bind mounts ready before a run, and puts them away after it. Give one to ``Supervisor(mounts=...)``.

    What a container needs of it is read from its configuration, best from an annotation, since that is all that a supervisor of tomorrow has. A
    container goes this way, as often as it is started, by whomever (its restart policy, too)::

        prepare -> (it runs) -> release -> prepare -> ... -> removed

    ``release`` follows each ``prepare``, also one that failed and one after which there was no run. When the program is killed in between, it
    does not: containers live on, and so must what they mount. So a provider compares, after the supervisor is opened, what it has ready with
    the containers that run; of those that have ended meanwhile, ``release`` may have been called, or not. It must bear being called twice.

    The container's state does not change while one of these is awaited, so they must not ask anything of that container. For each of them
    the namespaces of the container are gone, or not there yet.
    """

    async def prepare(self, id: str, config: ContainerConfig) -> None:
        """Before each run. When it returns, all sources are there. What it raises, a SupervisorError or OSError, is why the start fails."""
        ...

    async def release(self, id: str, config: ContainerConfig) -> None:
        """After each run, when its mounts are gone. What it raises is logged."""
        ...

    async def removed(self, id: str, config: ContainerConfig) -> None:
        """It is no longer in the metadata; who waits for its removal is told after this. What it raises is logged."""
        ...


class NoMounts:
    """For sources that are there by themselves."""

    async def prepare(self, id: str, config: ContainerConfig) -> None:
        """See MountProvider."""

    async def release(self, id: str, config: ContainerConfig) -> None:
        """See MountProvider."""

    async def removed(self, id: str, config: ContainerConfig) -> None:
        """See MountProvider."""
