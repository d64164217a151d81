"""The seam to whoever connects containers: docker's networks, the plugins of a cluster. The supervisor itself makes namespaces only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final, Protocol

from attrs import frozen

from pycontainerd.containers.config import ContainerConfig

MANAGED: Final = "managed"
"""``ContainerConfig.network`` of a container whose network namespace a provider connects."""


@frozen(kw_only=True)
class NetworkSubject:
    """A container that has a network namespace of its own, as a provider sees it.

    ``pid`` is that of its first process: the namespace is ``/proc/<pid>/ns/net``, and stays that as long as the provider is awaited.
    ``files`` is the directory of its files ``hosts``, ``resolv.conf`` and ``hostname``, which are mounted below its /etc: to be written in place
    (a new file of the same name would not be seen).
    """

    id: str
    name: str | None
    config: ContainerConfig
    hostname: str
    pid: int
    files: Path


class NetworkProvider(Protocol):
    """Connects the network namespaces of containers whose configuration says ``network="managed"``. Give one to ``Supervisor(networks=...)``.

    What a container needs of it is read from its configuration, best from an annotation, since that is all that a supervisor of tomorrow has. A
    container goes this way, as often as it is started, by whomever (its restart policy, too)::

        connect -> (it runs) -> disconnect -> connect -> ... -> removed

    ``connect`` comes when the process is made and has not begun, so that it finds its network complete; ``disconnect`` before anybody is told that
    it has ended, so that who is told can have its ports at once. ``disconnect`` follows each ``connect``, also one that failed and one after which
    there was no run, and must bear being called twice, or for what was never connected. When the program is killed in between, nothing
    follows: containers live on with their networks. So a supervisor that opens calls ``reconcile`` when it knows what runs, before it starts anything
    itself; of containers that have ended meanwhile, ``disconnect`` may have been called before that, or not.

    The container's state does not change while one of these is awaited, so they must not ask anything of that container.
    """

    async def connect(self, subject: NetworkSubject) -> None:
        """Connect it before its process begins. What it raises is why the start fails: as it is if it is a SupervisorError, else in a NetworkFailed."""
        ...

    async def disconnect(self, id: str) -> None:
        """After each run. It is waited for: what takes long is better done later. What it raises is logged."""
        ...

    async def removed(self, id: str) -> None:
        """It is no longer in the metadata; who waits for its removal is told after this. What it raises is logged."""
        ...

    async def reconcile(self, running: Sequence[NetworkSubject], known: Collection[str]) -> None:
        """Agree with the kernel: these run, and ``known`` are all containers that there are, of all namespaces. What it raises is logged."""
        ...


class NoNetworks:
    """For supervisors without one: ``managed`` is refused then."""

    async def connect(self, subject: NetworkSubject) -> None:
        """See NetworkProvider."""

    async def disconnect(self, id: str) -> None:
        """See NetworkProvider."""

    async def removed(self, id: str) -> None:
        """See NetworkProvider."""

    async def reconcile(self, running: Sequence[NetworkSubject], known: Collection[str]) -> None:
        """See NetworkProvider."""
