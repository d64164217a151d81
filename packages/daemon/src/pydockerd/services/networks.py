"""Networks for the API: choosing, making, removing and pruning them, and how containers are on them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache

from pycontainerd import Container, NetworkSubject
from pycontainerd.containers.config import ContainerConfig
from pycontainerd.errors import ContainerNotFound
from pydockerd.engine import Engine
from pydockerd.errors import ApiError, BadRequest, Forbidden, NotFound, Unavailable
from pydockerd.filters import Filters
from pydockerd.models.create import EndpointSettings
from pydockerd.models.network import Member, NetworkCreate
from pydockerd.network import hosts, planning
from pydockerd.network.model import HOST, NONE, Attachment, Network, Pool
from pydockerd.network.networks import Networks
from pydockerd.network.sandbox import Resolving, Sandbox
from pydockerd.times import moment_ns
from pydockerd.translate.namespaces import MANAGED
from pydockerd.translate.networks import attachment, requested
from pydockerd.views.network import Connection, member, network_id

LIST_FILTERS = ("dangling", "driver", "id", "label", "name", "scope", "type")
PRUNE_FILTERS = ("until", "label", "label!")
_NO_SWARM = 'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.'


async def select(engine: Engine, filters: Filters) -> list[Network]:
    """The networks that a list shows, by name. Raises BadRequest for a value that cannot be."""
    kinds = filters.get("type")
    for kind in kinds:
        if kind not in {"custom", "builtin"}:
            raise BadRequest(f"invalid filter: 'type'='{kind}'")
    dangling = filters.flag("dangling", False) if filters.get("dangling") else None
    return [
        network
        for network in sorted(await engine.networks.all(), key=lambda each: each.name)
        if _matches(network, filters)
        and (not kinds or ("builtin" if network.is_built_in else "custom") in kinds)
        and (dangling is None or dangling == (not network.is_built_in and not engine.networks.endpoints(network)))
    ]


def _matches(network: Network, filters: Filters) -> bool:
    names, ids = filters.get("name"), filters.get("id")
    return (
        filters.one_of("driver", network.driver)
        and filters.one_of("scope", "local")
        and (not names or any(part in network.name for part in names))
        and (not ids or any(network.id.startswith(part) for part in ids))
        and filters.labels(network.labels)
    )


def members(engine: Engine, network: Network) -> Mapping[str, Member]:
    """The containers on a network, by id."""
    return {each.sandbox: member(each, _name(engine, each.sandbox)) for each in engine.networks.endpoints(network)}


async def create(engine: Engine, asked: NetworkCreate) -> Network:
    """Raises BadRequest, Conflict, Forbidden, NotFound, Unavailable."""
    if asked.scope not in {"", "local"} or asked.ingress or asked.driver == "overlay":
        raise Unavailable(_NO_SWARM)
    defaults = engine.settings.network.default_network_opts.get(asked.driver or "bridge", {})
    pools = tuple(
        Pool(subnet=each.subnet, range=each.ip_range, gateway=each.gateway, aux=each.auxiliary_addresses)
        for each in asked.ipam.config
    )
    return await engine.networks.create(
        Network(
            id=planning.new_id(),
            name=asked.name,
            driver=asked.driver or "bridge",
            created_ns=time.time_ns(),
            ipv4=asked.enable_ipv4,
            ipv6=asked.enable_ipv6,
            internal=asked.internal,
            attachable=asked.attachable,
            config_only=asked.config_only,
            config_from=asked.config_from.network,
            ipam_driver=asked.ipam.driver or "default",
            ipam_options=asked.ipam.options or {},
            pools=tuple(pool for pool in pools if pool != Pool(subnet="")),
            options={**defaults, **asked.options} if not asked.config_from.network else asked.options,
            labels=asked.labels,
        )
    )


async def prune(engine: Engine, filters: Filters) -> tuple[str, ...]:
    """Remove those that no container is on; the names that went."""
    until = [moment for value in filters.get("until") if (moment := moment_ns("until", value)) is not None]
    used = {
        connection.id
        for container in engine.supervisor.containers.list()
        for connection in connections(engine, container.id, container.config)
    }
    deleted = []
    for network in await engine.networks.all():
        if network.is_built_in or network.id in used or not filters.labels(network.labels):
            continue
        if any(network.created_ns > moment for moment in until):
            continue
        try:
            await engine.networks.remove(network.id)
        except ApiError:
            continue  # somebody has come to use it, or was faster
        deleted.append(network.name)
    await engine.supervisor.events.publish("network", "prune", "", {"reclaimed": "0"})
    return tuple(deleted)


async def connect(engine: Engine, reference: str, container: str, settings: EndpointSettings) -> None:
    """Connect a container to one more network. Raises NotFound, BadRequest, Forbidden, InternalError."""
    network = await engine.networks.get(reference)
    found = _container(engine, container)
    _refuse_unmanaged(found, network, "connected to")
    await engine.networks.connect(sandbox(engine, found), attachment(network.name, settings))


async def disconnect(engine: Engine, reference: str, container: str, *, force: bool) -> None:
    """Disconnect a container from a network; with ``force`` also one that is gone. Raises NotFound, Forbidden."""
    network = await engine.networks.get(reference)
    try:
        found = _container(engine, container)
    except NotFound:
        if not force:
            raise
        return
    _refuse_unmanaged(found, network, "disconnected from")
    await engine.networks.disconnect(sandbox(engine, found), network.id)


def sandbox(engine: Engine, container: Container) -> Sandbox:
    """A container as the networks see it, whether it runs or not."""
    info = container.info()
    subject = NetworkSubject(
        id=container.id,
        name=container.name,
        config=container.config,
        hostname=container.config.hostname or container.id[:12],
        pid=info.pid if info.running else 0,
        files=engine.settings.data_root / "containers" / container.id,
    )
    return described(engine.networks, subject)


def described(networks: Networks, subject: NetworkSubject) -> Sandbox:
    """What a container is connected to, as it was created or as somebody has changed it."""
    wishes, ports = requested(subject.config)
    return Sandbox(
        id=subject.id,
        netns=f"/proc/{subject.pid}/ns/net" if subject.pid else "",
        label=subject.name or subject.id[:12],
        names=names_of(subject.id, subject.name, subject.hostname),
        hosts=subject.files / "hosts",
        hostnames=hosts.names_of(subject.hostname, subject.config.domainname or ""),
        wishes=networks.wishes_of(subject.id, wishes),
        ports=ports,
        resolving=Resolving(
            servers=subject.config.dns,
            search=subject.config.dns_search,
            options=subject.config.dns_options,
            file=subject.files / "resolv.conf",
        ),
    )


def names_of(id: str, name: str | None, hostname: str) -> tuple[str, ...]:
    """What others on a network may call a container."""
    return tuple(dict.fromkeys(each for each in (name, id[:12], hostname) if each))


def connections(engine: Engine, id: str, config: ContainerConfig) -> tuple[Connection, ...]:
    """A container's networks; one that is in another's network has none of its own."""
    if config.network in {HOST, NONE}:
        return _unmanaged(config.network)
    if config.network != MANAGED:
        return ()
    wishes, _ = requested(config)
    has = {each.network_id: each for each in engine.networks.endpoints_of(id)}
    found = []
    for wanted in engine.networks.wishes_of(id, wishes):
        network = engine.networks.known(wanted.network)
        name, identity = (network.name, network.id) if network else (wanted.network, "")
        found.append(Connection(name=name, id=identity, wanted=wanted, endpoint=has.get(identity)))
    return tuple(found)


@cache
def _unmanaged(name: str) -> tuple[Connection, ...]:
    return (Connection(name=name, id=network_id(name), wanted=Attachment(network=name)),)


def _refuse_unmanaged(container: Container, network: Network, verb: str) -> None:
    """docker's words for what is never connected."""
    mode = container.config.network
    if network.name == HOST or mode == HOST:
        raise Forbidden("container cannot be disconnected from host network or connected to host network")
    if network.name == NONE or mode == NONE:
        raise Forbidden(
            "container cannot be connected to multiple networks with one of the networks in private (none) mode"
        )
    if mode != MANAGED:
        raise Forbidden(
            f"container sharing network namespace with another container or host cannot be {verb} any other network"
        )


def _container(engine: Engine, reference: str) -> Container:
    try:
        return engine.supervisor.containers.get(reference.removeprefix("/"))
    except ContainerNotFound:
        raise NotFound(f"No such container: {reference}") from None


def _name(engine: Engine, id: str) -> str:
    try:
        return engine.supervisor.containers.get(id).name or ""
    except ContainerNotFound:
        return ""
