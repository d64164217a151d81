"""The supervisor's seam: its containers are sandboxes, connected before they begin and disconnected when they end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from pycontainerd import NetworkSubject
from pydockerd.network.networks import Networks
from pydockerd.network.sandbox import Sandbox


class NetworkSeam:
    """A `pycontainerd.NetworkProvider` over networks. ``describe`` says what a container wants."""

    def __init__(self, networks: Networks, describe: Callable[[NetworkSubject], Sandbox]) -> None:
        self._networks, self._describe = networks, describe

    async def connect(self, subject: NetworkSubject) -> None:
        """See NetworkProvider."""
        await self._networks.attach(self._describe(subject))

    async def disconnect(self, id: str) -> None:
        """See NetworkProvider."""
        await self._networks.detach(id)

    async def removed(self, id: str) -> None:
        """See NetworkProvider."""
        await self._networks.forget(id)

    async def reconcile(self, running: Sequence[NetworkSubject], known: Collection[str]) -> None:
        """See NetworkProvider."""
        await self._networks.reconcile([self._describe(each) for each in running], known)
