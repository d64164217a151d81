"""Networks: the way in to this package. See `pydockerd.network` for the words.

One change at a time: each is decided from what there is, recorded, done, and only then true for others. What fails or is killed in
between is undone, at once or by `reconcile` of the next daemon.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from attrs import evolve

from pycontainerd.errors import SupervisorError
from pycontainerd.metadata.database import Database
from pydockerd.errors import ApiError, Forbidden
from pydockerd.network import hosts, machine, netlink, planning, ruleset, store, wiring
from pydockerd.network.book import Book, gateway_endpoint
from pydockerd.network.kernel import Kernel
from pydockerd.network.model import BRIDGE, BUILT_IN, DRIVERS, Attachment, Endpoint, Network
from pydockerd.network.options import bridge_options
from pydockerd.network.publishing import Opened, Publishing
from pydockerd.network.rules import Rules
from pydockerd.network.sandbox import Observer, Sandbox
from pydockerd.network.wiring import Plug
from pydockerd.settings import NetworkSettings

Publish = Callable[[str, str, str, Mapping[str, str]], Awaitable[object]]
"""Tell an event: type, action, actor, attributes."""

_logger = logging.getLogger(__name__)
_POOLS_LOCK: Final = Path("/run/pydockerd-pools.lock")
"""Held while a subnet is chosen and its bridge made: daemons side by side see each other's by the machine's routes."""


async def _unheard(type: str, action: str, actor: str, attributes: Mapping[str, str]) -> None:
    """Nobody listens yet."""


class Networks:
    """``owner`` marks links as ours, ``table`` names the table of our packet rules, ``link`` the default bridge: no two daemons may have them alike.

    The default bridge is made when the first sandbox needs it, and goes when a daemon stops that has none on it. ``ids`` are those of the networks that are
    always there.
    """

    def __init__(
        self,
        database: Database,
        settings: NetworkSettings,
        *,
        owner: str,
        table: str,
        link: str,
        ids: Mapping[str, str],
    ) -> None:
        self._database, self._settings = database, settings
        self._owner, self._link, self._ids = owner, link, ids
        self._book = Book()
        self._kernel = Kernel()
        self._rules = Rules(self._kernel, table, enabled=settings.iptables)
        self._publishing = Publishing(settings)
        self._lock = asyncio.Lock()
        self._up: set[str] = set()
        self._later: set[asyncio.Task[None]] = set()
        self._places: dict[str, str] = {}
        self._warm = False
        self._clearing: dict[str, asyncio.Task[None]] = {}
        self._unfinished: list[tuple[Network, str]] = []
        self.publish: Publish = _unheard
        self.observers: list[Observer] = []

    # -- opening and closing ----------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Read what there is. The kernel is left as it is until `reconcile`."""
        state = await self._database.read(store.load)
        for network, at in state.networks:
            if at == store.MADE and (self.has_default or not network.is_default):
                self._book.add_network(network)
            else:
                self._unfinished.append((network, at))
        for endpoint in state.endpoints:
            if endpoint.network_id in self._book.networks:
                self._book.add(endpoint)
        self._book.wishes.update(state.wishes)
        for name, driver in DRIVERS.items():
            if name != BRIDGE:
                self._book.add_network(
                    Network(id=self._ids[name], name=name, driver=driver, created_ns=0, ipv4=False, ipv6=False)
                )

    async def reconcile(self, running: Sequence[Sandbox], known: Collection[str]) -> None:
        """Bring the kernel to agree with what is recorded, now that it is clear what runs. Everything that can be done is done."""
        async with self._lock:
            for network, at in self._unfinished:  # and the default network, when it is not wanted any more
                _logger.warning(
                    "network %s: its %s was interrupted; it is removed",
                    network.name,
                    "making" if at == store.MAKING else "removal",
                )
                with _logged(f"network {network.name} is not removed"):
                    await self._demolish(network)
            self._unfinished.clear()
            alive = {sandbox.id: sandbox for sandbox in running}
            for ended in [each for each in self._book.sandboxes() if each not in alive]:
                await self._detach(ended, wait=True)
            for removed in [each for each in self._book.wishes if each not in known]:
                await self._forget(removed)
            await self._raise_networks()
            if len(self._book.networks) > len(BUILT_IN) - 1 or self._book.endpoints:
                with _logged("links that are left are not deleted"):
                    await self._sweep()
            for sandbox in running:
                with _logged(f"container {sandbox.label} is not connected as it was"):
                    await self._take_up(sandbox)
            if self._up or self._rules.loaded is not None:
                await self._load(force=True)

    async def _raise_networks(self) -> None:
        """The links of all networks; of the default one only if somebody is on it, or its link is there still."""
        for network in [*self._book.networks.values()]:
            if (network.is_built_in and not network.is_default) or network.config_only:
                continue
            if network.is_default and not self._book.of_network(network.id) and not machine.link_index(self._link):
                continue
            with _logged(f"network {network.name} has no links"):
                await self._kernel.run(wiring.up, self._kernel, network, self._owner, forward=self._settings.ip_forward)
                self._up.add(network.id)

    async def _take_up(self, sandbox: Sandbox) -> None:
        """The endpoints of a sandbox that runs since before this daemon: as they were, or made again; those that it is not to have any more, gone."""
        self._places[sandbox.id] = sandbox.netns
        wanted = {network.id for each in sandbox.wishes if (network := self.known(each.network)) is not None}
        unwanted = [each for each in self._book.of_sandbox(sandbox.id) if each.network_id not in wanted]
        for endpoint in unwanted:
            self._book.leave(endpoint)
        await self._unplug(unwanted, sandbox.netns)
        plugs = [
            Plug(endpoint=each, network=self._book.networks[each.network_id])
            for each in self._book.of_sandbox(sandbox.id)
        ]
        ways = self._ways([each.endpoint for each in plugs])
        again = await self._kernel.run(wiring.mend, self._kernel, sandbox.netns, plugs, ways, self._owner)
        for name in again:
            _logger.warning("container %s: its link to %s was made again", sandbox.label, name)
        for each in plugs:
            self._publishing.take_up(sandbox, each.endpoint)
        for observer in self.observers:
            await observer.attached(sandbox, tuple(each.endpoint for each in plugs))

    async def _sweep(self) -> None:
        """Links with our mark that nothing accounts for: what was struck out, and then not deleted."""
        known = {each.link for each in self._book.endpoints.values()}
        for network in self._book.networks.values():
            known |= wiring.own_links(network)
        for name in await self._kernel.run(wiring.strays, self._kernel, known, self._owner):
            _logger.warning("the link %s is left of a daemon that was killed; it is deleted", name)

    async def close(self) -> None:
        """Finish what was begun. Containers and their networks stay; a default bridge that nobody is on goes."""
        async with self._lock:
            await asyncio.gather(*self._later, return_exceptions=True)
            default = self._default_in_book()
            if default is not None and default.id in self._up and not self._book.of_network(default.id):
                with _logged("the default bridge is not deleted"):
                    await self._lower(default)
            await self._publishing.close_all()
            await asyncio.to_thread(self._kernel.close)

    def warm(self) -> None:
        """Somebody will be connected soon: load what that needs, while there is time."""
        if not self._warm:
            self._warm = True
            task = asyncio.create_task(self._kernel.run(netlink.preload))
            self._later.add(task)
            task.add_done_callback(self._later.discard)

    # -- networks -----------------------------------------------------------------------------------------------------------------

    @property
    def has_default(self) -> bool:
        """Whether there is a network ``bridge`` (``--bridge=none`` takes it away)."""
        return self._settings.bridge != "none"

    async def all(self) -> list[Network]:
        """Every network; that of those who ask for none is among them."""
        await self._need_default()
        return [*self._book.networks.values()]

    async def get(self, reference: str) -> Network:
        """By id, name or a unique beginning of the id. NotFound, BadRequest."""
        await self._need_default()
        return self._book.find(reference)

    def endpoints(self, network: Network) -> list[Endpoint]:
        """Of one network."""
        return self._book.of_network(network.id)

    def endpoints_of(self, sandbox: str) -> list[Endpoint]:
        """Of one sandbox, in the order of its interfaces."""
        return self._book.of_sandbox(sandbox)

    def wishes_of(self, sandbox: str, otherwise: tuple[Attachment, ...]) -> tuple[Attachment, ...]:
        """What it is to be connected to: as somebody has changed it, or as it was created."""
        return self._book.wishes.get(sandbox, otherwise)

    def known(self, reference: str) -> Network | None:
        """The same as `get`, without what has to be waited for, and None for none."""
        try:
            return self._book.find(reference)
        except ApiError:
            return None

    async def create(self, draft: Network) -> Network:
        """Make a network. ``draft`` has pools as they were asked for. Conflict, BadRequest, Forbidden, NotFound; nothing is left then."""
        planning.check_network(draft)
        async with self._lock:
            self._book.check_free(draft.name)
            if draft.config_only:
                return await self._recorded(draft)
            async with _pools_lock():
                network = self._completed(self._configured(draft))
                await self._database.write(partial(store.save_network, network=network, state=store.MAKING))
                try:
                    await self._raise(network)
                except BaseException:
                    await self._demolish(network)
                    raise
            await self._recorded(network)
        await self.publish("network", "create", network.id, {"name": network.name, "type": network.driver})
        return network

    async def remove(self, reference: str) -> None:
        """Delete a network that nobody is on. NotFound, Forbidden."""
        async with self._lock:
            network = self._book.find(reference)
            if network.is_built_in:
                raise Forbidden(f"{network.name} is a pre-defined network and cannot be removed")
            if users := self._book.of_network(network.id):
                raise Forbidden(
                    f"error while removing network: network {network.name} has active endpoints ("
                    + ", ".join(
                        f'name:"{each.names[0] if each.names else each.sandbox[:12]}" id:"{each.id[:12]}"'
                        for each in users
                    )
                    + ")"
                )
            if any(other.config_from == network.name for other in self._book.networks.values()):
                raise Forbidden(f"configuration network {network.name} is in use")
            await self._database.write(partial(store.save_network, network=network, state=store.REMOVING))
            await self._demolish(network)
        await self.publish("network", "destroy", network.id, {"name": network.name, "type": network.driver})

    def _configured(self, draft: Network) -> Network:
        """With what it takes from a network of configuration."""
        if not draft.config_from:
            return draft
        source = self._book.find(draft.config_from)
        if not source.config_only:
            raise Forbidden(f"{draft.config_from} is not a configuration network")
        if draft.pools or draft.options:
            raise Forbidden(
                "user-specified configurations are not supported if the network depends on a configuration network"
            )
        return evolve(draft, pools=source.pools, options=source.options, ipv4=source.ipv4, ipv6=source.ipv6)

    def _completed(self, draft: Network) -> Network:
        bases = planning.bases_of(self._settings)
        return planning.complete_network(draft, self._book, machine.routes(), bases, self._owner)

    async def _recorded(self, network: Network) -> Network:
        await self._database.write(partial(store.save_network, network=network, state=store.MADE))
        self._book.add_network(network)
        return network

    async def _raise(self, network: Network) -> None:
        """Its links, then its rules."""
        await self._kernel.run(wiring.up, self._kernel, network, self._owner, forward=self._settings.ip_forward)
        self._up.add(network.id)
        await self._load(coming=network)

    async def _lower(self, network: Network) -> None:
        """Its rules, then its links."""
        self._up.discard(network.id)
        await self._load()
        await self._kernel.run(wiring.down, self._kernel, network, self._owner)

    async def _demolish(self, network: Network) -> None:
        """Everything of it, the record last."""
        if not network.config_only:
            if network.driver == "bridge" and self._rules.loaded is None and network.id not in self._up:
                await self._kernel.run(wiring.down, self._kernel, network, self._owner)
            else:
                await self._lower(network)
        for task in [*self._later]:
            await asyncio.gather(task, return_exceptions=True)

        def forget(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM endpoints WHERE network_id = ?", (network.id,))
            store.forget_network(connection, network.id)

        await self._database.write(forget)
        self._book.drop_network(network.id)
        self._book.drop_leaving(network.id)

    # -- the default network -----------------------------------------------------------------------------------------------------

    def _default_in_book(self) -> Network | None:
        return self._book.networks.get(self._ids[BRIDGE])

    async def _need_default(self) -> None:
        if self.has_default and self._default_in_book() is None:
            async with self._lock:
                await self._default()

    async def _default(self) -> Network:
        """The record of the default network, with its subnet; under the lock."""
        found = self._default_in_book()
        wanted = planning.default_network(
            self._ids[BRIDGE], self._link, self._settings, found.created_ns if found else time.time_ns()
        )
        if found is not None and (found.id in self._up or self._still_fits(found, wanted)):
            return found
        async with _pools_lock():
            network = evolve(self._completed(wanted), asked=False)
            return await self._recorded(network)

    def _still_fits(self, found: Network, wanted: Network) -> bool:
        """Whether the subnet that it had is as the settings want it, and still nobody else's."""
        if found.options != wanted.options or found.ipv6 != wanted.ipv6:
            return False
        try:
            self._completed(evolve(wanted, pools=wanted.pools or found.pools))
        except ApiError:
            return False
        return not wanted.pools or {pool.subnet for pool in wanted.pools} <= {pool.subnet for pool in found.pools}

    async def _usable(self, reference: str) -> Network:
        """A network with its links; under the lock. NotFound."""
        if reference in {"", "default", BRIDGE, self._ids[BRIDGE]} and self.has_default:
            network = await self._default()
            if network.id not in self._up:
                async with _pools_lock():
                    if not self._still_fits(network, evolve(network, pools=())):  # another daemon was faster
                        self._book.drop_network(network.id)
                        network = await self._recorded(self._completed(evolve(network, pools=())))
                    await self._raise(network)
            return network
        return self._book.find(reference)

    # -- sandboxes ----------------------------------------------------------------------------------------------------------------

    async def attach(self, sandbox: Sandbox) -> None:
        """Connect a sandbox to all that it wishes. Nothing is left when that fails: NotFound, BadRequest, Forbidden, InternalError, OSError."""
        async with self._lock:
            if self._book.of_sandbox(sandbox.id):
                await self._detach(sandbox.id, wait=True)
            if (clearing := self._clearing.get(sandbox.netns)) is not None:  # the same namespace once more
                await asyncio.wait([clearing])
            self._places[sandbox.id] = sandbox.netns
            try:
                await self._attach(sandbox, sandbox.wishes)
            except BaseException:
                await self._detach(sandbox.id, netns=sandbox.netns, wait=True)
                raise
        await self._tell("connect", sandbox.id, self._book.of_sandbox(sandbox.id))

    async def _attach(self, sandbox: Sandbox, wishes: Iterable[Attachment]) -> None:
        plugs = [await self._planned(sandbox, wanted) for wanted in wishes]
        opened = self._publish_ports(sandbox)
        endpoints = self._book.of_sandbox(sandbox.id)
        await self._database.write(partial(store.save_endpoints, endpoints=tuple(endpoints)))
        plugs = [Plug(endpoint=self._book.endpoints[each.endpoint.id], network=each.network) for each in plugs]
        await self._kernel.run(wiring.plug, self._kernel, sandbox.netns, plugs, self._ways(endpoints), self._owner)
        if any(each.endpoint.published for each in plugs):
            await self._load()
        self._publishing.pass_on(sandbox.id, opened)
        self._write_hosts(sandbox)
        for observer in self.observers:
            await observer.attached(sandbox, tuple(endpoints))

    async def _planned(self, sandbox: Sandbox, wanted: Attachment) -> Plug:
        """An endpoint that has its addresses in the book. BadRequest when there are none left."""
        network = await self._usable(wanted.network)
        planning.check_attachment(network, wanted)
        for last in (False, True):
            interfaces = [each.interface for each in self._book.of_sandbox(sandbox.id)]
            made = planning.endpoint(
                network, wanted, sandbox.id, self._book, names=sandbox.names, interfaces=interfaces
            )
            if made is not None:
                self._book.add(made)
                return Plug(endpoint=made, network=network)
            if last or not self._book.leaving(network.id):
                break
            await asyncio.gather(*self._later, return_exceptions=True)
        raise planning.exhausted(network)

    async def detach(self, sandbox: str) -> None:
        """Disconnect it from everything. Its ports are free when this returns; its links go in a moment."""
        async with self._lock:
            gone = await self._detach(sandbox)
        await self._tell("disconnect", sandbox, gone)

    async def _detach(self, sandbox: str, *, netns: str = "", wait: bool = False) -> list[Endpoint]:
        endpoints = self._book.of_sandbox(sandbox)
        if not endpoints:
            self._release(sandbox)
            return []
        for endpoint in endpoints:
            self._book.leave(endpoint)
        self._release(sandbox)
        if any(each.published for each in endpoints):
            with _logged("published ports are not closed"):
                await self._load()
        for observer in self.observers:
            with _logged("an observer of networks has failed"):
                await observer.detached(sandbox)
        task = asyncio.create_task(self._unplug(endpoints, netns))
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        if place := self._places.pop(sandbox, ""):
            self._clearing[place] = task
            task.add_done_callback(lambda _: self._clearing.pop(place, None))
        if wait:
            await task
        return endpoints

    async def _unplug(self, endpoints: Sequence[Endpoint], netns: str, ways: wiring.Ways | None = None) -> None:
        """Records, then links, then addresses: links that are left have our mark. What has no end outside has none, and so goes before its record."""
        if not endpoints:
            return
        outer = [each for each in endpoints if each.link]
        with _logged("the links of a container are not deleted"):
            await self._forget_endpoints(outer)
            with contextlib.suppress(FileNotFoundError):  # the namespace is gone, and what was in it
                await self._kernel.delete(wiring.unplug, self._kernel, netns, endpoints, ways)
            await self._forget_endpoints([each for each in endpoints if not each.link])
            for endpoint in endpoints:
                self._book.gone(endpoint)

    async def _forget_endpoints(self, endpoints: Sequence[Endpoint]) -> None:
        if endpoints:
            await self._database.write(partial(store.forget_endpoints, ids=tuple(each.id for each in endpoints)))

    def _release(self, sandbox: str) -> None:
        self._publishing.close(sandbox)

    async def forget(self, sandbox: str) -> None:
        """It will not come back."""
        async with self._lock:
            await self._detach(sandbox, wait=False)
            if sandbox in self._book.wishes:
                await self._forget(sandbox)

    async def _forget(self, sandbox: str) -> None:
        def write(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM network_wishes WHERE sandbox = ?", (sandbox,))

        await self._database.write(write)
        self._book.wishes.pop(sandbox, None)

    async def connect(self, sandbox: Sandbox, wanted: Attachment) -> None:
        """Connect it to one more network: at once if it runs, and whenever it is started. ``sandbox.wishes`` are those up to now."""
        async with self._lock:
            network = await self._usable(wanted.network)
            planning.check_attachment(network, wanted)
            if self._is_connected(sandbox, network):
                raise Forbidden(f"endpoint with name {sandbox.label} already exists in network {network.name}")
            before = self._book.of_sandbox(sandbox.id)
            wishes = (*(each for each in sandbox.wishes if self.known(each.network) != network), wanted)
            made: list[Endpoint] = []
            try:
                if sandbox.netns:
                    made = [await self._connected(sandbox, wanted, before)]
                await self._database.write(partial(store.save_wishes, sandbox=sandbox.id, wishes=wishes))
            except BaseException:
                old = {each.id for each in before}
                for endpoint in [each for each in self._book.of_sandbox(sandbox.id) if each.id not in old]:
                    self._book.leave(endpoint)
                    await self._unplug([endpoint], sandbox.netns, self._ways(before))
                raise
            self._book.wishes[sandbox.id] = wishes
        await self._tell("connect", sandbox.id, made)

    def _is_connected(self, sandbox: Sandbox, network: Network) -> bool:
        """Whether it is on the network; one that does not run, whether it will be."""
        if sandbox.netns:
            return any(each.network_id == network.id for each in self._book.of_sandbox(sandbox.id))
        return any(self.known(each.network) == network for each in sandbox.wishes)

    async def _connected(self, sandbox: Sandbox, wanted: Attachment, before: Sequence[Endpoint]) -> Endpoint:
        plug = await self._planned(sandbox, wanted)
        await self._database.write(partial(store.save_endpoints, endpoints=(plug.endpoint,)))
        endpoints = [*before, plug.endpoint]
        await self._kernel.run(wiring.plug, self._kernel, sandbox.netns, [plug], self._ways(endpoints), self._owner)
        if sandbox.ports and not any(each.published for each in before):
            await self._publish_later(sandbox)
        self._write_hosts(sandbox)
        for observer in self.observers:
            await observer.attached(sandbox, tuple(self._book.of_sandbox(sandbox.id)))
        return self._book.endpoints[plug.endpoint.id]

    async def _publish_later(self, sandbox: Sandbox) -> None:
        """The ports of one that runs: it has just got a network that leads out."""
        opened = self._publish_ports(sandbox)
        await self._database.write(partial(store.save_endpoints, endpoints=tuple(self._book.of_sandbox(sandbox.id))))
        await self._load()
        self._publishing.pass_on(sandbox.id, opened)

    async def rename(self, sandbox: Sandbox) -> None:
        """Others call it by ``sandbox.names`` from now on."""
        async with self._lock:
            endpoints = tuple(
                evolve(each, names=planning.names_on(sandbox.names, each.attachment))
                for each in self._book.of_sandbox(sandbox.id)
            )
            if not endpoints:
                return
            await self._database.write(partial(store.save_endpoints, endpoints=endpoints))
            for endpoint in endpoints:
                self._book.add(endpoint)
            for observer in self.observers:
                await observer.attached(sandbox, endpoints)

    async def disconnect(self, sandbox: Sandbox, reference: str) -> None:
        """Disconnect it from one network: at once if it runs, and for its next runs."""
        async with self._lock:
            network = self._book.find(reference)
            wishes = tuple(each for each in sandbox.wishes if self.known(each.network) != network)
            gone = [each for each in self._book.of_sandbox(sandbox.id) if each.network_id == network.id]
            if not gone and len(wishes) == len(sandbox.wishes):
                raise Forbidden(f"container {sandbox.id} is not connected to network {network.name}")
            await self._database.write(partial(store.save_wishes, sandbox=sandbox.id, wishes=wishes))
            self._book.wishes[sandbox.id] = wishes
            await self._leave(sandbox, gone)
        await self._tell("disconnect", sandbox.id, gone)

    async def _leave(self, sandbox: Sandbox, gone: Sequence[Endpoint]) -> None:
        for endpoint in gone:
            self._book.leave(endpoint)
        if any(each.published for each in gone):
            self._release(sandbox.id)
            await self._load()
        rest = self._book.of_sandbox(sandbox.id)
        await self._unplug(gone, sandbox.netns, self._ways(rest))
        if gone and sandbox.netns:
            if any(each.published for each in gone) and rest:
                await self._publish_later(sandbox)
            self._write_hosts(sandbox)
            for observer in self.observers:
                await (observer.attached(sandbox, tuple(rest)) if rest else observer.detached(sandbox.id))

    # -- ports, rules, files -------------------------------------------------------------------------------------------------------

    def _publish_ports(self, sandbox: Sandbox) -> list[Opened]:
        """Hold what it wants to publish, at the endpoint that leads out. InternalError names the port that is in use."""
        networks = self._book.networks
        bridged = [each for each in self._book.of_sandbox(sandbox.id) if networks[each.network_id].driver == "bridge"]
        endpoint = gateway_endpoint(bridged, networks, 4) or gateway_endpoint(bridged, networks, 6)
        if endpoint is None or not sandbox.ports:
            return []
        changed, opened = self._publishing.open(sandbox, endpoint, networks[endpoint.network_id])
        self._book.add(changed)
        return opened

    def _ways(self, endpoints: Sequence[Endpoint]) -> wiring.Ways:
        four, six = (gateway_endpoint(endpoints, self._book.networks, version) for version in (4, 6))
        return wiring.ways(four, six)

    async def _load(self, *, force: bool = False, coming: Network | None = None) -> None:
        """Bring the packet rules to what the book says."""
        await self._rules.load(self.wired(coming), anew=force)

    def wired(self, coming: Network | None = None) -> list[ruleset.Wired]:
        """What the packet rules are made from: the bridge networks whose bridges are there, and one that is just being made."""
        networks = {network.id: network for network in self._book.networks.values() if network.id in self._up}
        if coming is not None:
            networks[coming.id] = coming
        return [
            ruleset.Wired(network, bridge_options(network), tuple(self._book.of_network(network.id)))
            for network in networks.values()
            if network.driver == "bridge"
        ]

    def _write_hosts(self, sandbox: Sandbox) -> None:
        if sandbox.hosts is not None:
            with contextlib.suppress(FileNotFoundError):
                hosts.write(sandbox.hosts, sandbox.hostnames, wiring.addresses_of(self._book.of_sandbox(sandbox.id)))

    async def _tell(self, action: str, sandbox: str, endpoints: Iterable[Endpoint]) -> None:
        for endpoint in endpoints:
            network = self._book.networks.get(endpoint.network_id)
            if network is not None:
                attributes = {"container": sandbox, "name": network.name, "type": network.driver}
                await self.publish("network", action, network.id, attributes)


@contextlib.contextmanager
def _logged(what: str) -> Iterator[None]:
    try:
        yield
    except (ApiError, SupervisorError, OSError) as error:
        _logger.error("%s: %s", what, error)


@contextlib.asynccontextmanager
async def _pools_lock() -> AsyncIterator[None]:
    fd = os.open(_POOLS_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        await asyncio.to_thread(fcntl.flock, fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
