"""Which sandboxes have a server, and what is in their resolv.conf: an observer of `pydockerd.network`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

from attrs import define, field

from pydockerd.errors import InternalError
from pydockerd.network.dns import names, resolvconf
from pydockerd.network.dns.forward import Forwarder, Upstream
from pydockerd.network.dns.server import Server
from pydockerd.network.dns.sockets import Sockets, open_sockets
from pydockerd.network.model import Endpoint, Network
from pydockerd.network.networks import Networks
from pydockerd.network.sandbox import Resolving, Sandbox

_logger = logging.getLogger("pydockerd.network.dns")


class NameServers:
    """``Networks.observers.append(NameServers(networks))``. ``machine`` tells the machine's own resolv.conf."""

    def __init__(
        self, networks: Networks, machine: Callable[[], resolvconf.ResolvConf] = resolvconf.read_machine
    ) -> None:
        self._networks, self._machine = networks, machine
        self._served: dict[str, _Served] = {}
        self._directories: dict[str, names.Directory] = {}
        self._warm: asyncio.Task[None] | None = None
        self.generation = 0

    async def attached(self, sandbox: Sandbox, endpoints: tuple[Endpoint, ...]) -> None:
        """See Observer."""
        self._changed()
        machine = await asyncio.to_thread(self._machine)
        said = sandbox.resolving or Resolving()
        wanted = resolvconf.wanted(machine, said.servers, said.search, said.options)
        embedded = any(self._has_names(each) for each in endpoints)
        if said.file is not None:
            shown = resolvconf.embedded(wanted) if embedded else self._plain(wanted, said, endpoints)
            with contextlib.suppress(FileNotFoundError):
                await asyncio.to_thread(resolvconf.write, said.file, resolvconf.render(shown))
        if not embedded:
            await self._end(sandbox.id)
        elif sandbox.id in self._served:
            self._served[sandbox.id].endpoints = endpoints
        else:
            await self._begin(sandbox, endpoints, wanted, asked=bool(said.servers))

    async def detached(self, sandbox: str) -> None:
        """See Observer."""
        self._changed()
        await self._end(sandbox)

    async def close(self) -> None:
        """The daemon ends. The next one opens the servers again."""
        if self._warm is not None:
            await asyncio.gather(self._warm, return_exceptions=True)
        for sandbox in [*self._served]:
            await self._end(sandbox)

    # -- inside -----------------------------------------------------------------------------------------------------------------

    def directory(self, network: Network) -> names.Directory:
        """Who is on a network, made when it is first asked for after a change."""
        found = self._directories.get(network.id)
        if found is None:
            found = self._directories[network.id] = names.Directory.of(self._networks.endpoints(network))
        return found

    def known(self, endpoint: Endpoint) -> Network | None:
        """The network of an endpoint."""
        return self._networks.known(endpoint.network_id)

    def network(self, endpoint: Endpoint) -> Network | None:
        """The same, if it has names: the default one has none, as with docker."""
        network = self.known(endpoint)
        return None if network is None or network.is_built_in else network

    def _has_names(self, endpoint: Endpoint) -> bool:
        return self.network(endpoint) is not None

    def _changed(self) -> None:
        self.generation += 1
        self._directories.clear()

    @staticmethod
    def _plain(wanted: resolvconf.ResolvConf, said: Resolving, endpoints: Sequence[Endpoint]) -> resolvconf.ResolvConf:
        return resolvconf.plain(wanted, asked=bool(said.servers), ipv6=any(each.ipv6 for each in endpoints))

    async def _begin(
        self, sandbox: Sandbox, endpoints: tuple[Endpoint, ...], conf: resolvconf.ResolvConf, *, asked: bool
    ) -> None:
        if self._warm is None:
            self._warm = asyncio.create_task(asyncio.to_thread(_import))
        netns = sandbox.netns if asked else ""
        # to ask ourselves would never end
        servers = [Upstream(each, netns) for each in conf.servers if not (asked and each == resolvconf.INTERNAL)]
        try:
            sockets = await open_sockets(sandbox.netns)
        except OSError as error:
            raise InternalError(
                f"container {sandbox.label}: no name server can be opened in its network: {error}"
            ) from error
        self._served[sandbox.id] = _Served(self, sockets, endpoints, Forwarder(servers))

    async def _end(self, sandbox: str) -> None:
        served = self._served.pop(sandbox, None)
        if served is not None:
            served.server.close()


@define(eq=False)
class _Served:
    """A sandbox with a server, and what it sees: its networks in the order of its interfaces."""

    owner: NameServers
    sockets: Sockets
    endpoints: tuple[Endpoint, ...]
    forwarder: Forwarder
    server: Server = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.server = Server(self.sockets, self, self.forwarder)

    @property
    def generation(self) -> int:
        """See View."""
        return self.owner.generation

    @property
    def outside(self) -> bool:
        """See View."""
        known = (self.owner.known(each) for each in self.endpoints)
        return any(network is not None and not network.internal for network in known)

    def networks(self) -> list[names.Network]:
        """See View."""
        found = []
        for endpoint in self.endpoints:
            network = self.owner.network(endpoint)
            if network is not None:
                links = names.links(endpoint.attachment.links)
                directory = self.owner.directory(network)
                found.append(names.Network(network.name, directory, links))
        return found


def _import() -> None:
    """dnspython takes its time to import; nobody waits for it but who asks first."""
    import pydockerd.network.dns.message  # noqa: F401
