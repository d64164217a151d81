"""What a network and an endpoint will be, from what was asked for and what there is. Nothing is recorded or done here."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from ipaddress import IPv6Network, ip_address
from typing import Final

from attrs import evolve

from pydockerd.errors import BadRequest, Forbidden, NotFound
from pydockerd.network import ipam
from pydockerd.network.book import Book, hardware_address
from pydockerd.network.ipam import DEFAULT_BASES, Address, Base, Subnet
from pydockerd.network.model import Attachment, Endpoint, Network, Pool
from pydockerd.network.options import (
    KNOWN_DRIVERS,
    NAME,
    bridge_options,
    child_options,
    interface_name,
    sysctls,
)
from pydockerd.settings import NetworkSettings

_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_MAC: Final = re.compile(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}")


def check_network(draft: Network) -> None:
    """BadRequest, Forbidden or NotFound for what cannot be, whatever else there is."""
    if not _NAME.fullmatch(draft.name):
        raise BadRequest(f"invalid network name {draft.name!r}: only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
    if draft.is_built_in:
        raise Forbidden(f"operation is not permitted on predefined {draft.name} network")
    if draft.driver in {"host", "null"}:
        raise Forbidden(f'only one instance of "{draft.driver}" network is allowed')
    if draft.driver not in KNOWN_DRIVERS:
        raise NotFound(f'could not find plugin {draft.driver} in v1 plugin registry: plugin "{draft.driver}" not found')
    if draft.ipam_driver not in {"", "default"}:
        raise NotFound(
            f'could not find plugin {draft.ipam_driver} in v1 plugin registry: plugin "{draft.ipam_driver}" not found'
        )
    if not draft.ipv4 and not draft.ipv6:
        raise BadRequest("IPv4 or IPv6 must be enabled")
    if draft.driver == "bridge":
        bridge_options(draft)
    else:
        child_options(draft)


def complete_network(
    draft: Network, book: Book, routes: Iterable[tuple[Subnet, str]], bases: Sequence[Base], owner: str
) -> Network:
    """With its subnets and gateways. BadRequest when there are none left, Forbidden for what overlaps another network or the machine's routes."""
    if draft.driver != "bridge":
        return evolve(draft, asked=bool(draft.pools), pools=_pools(draft, [], book.subnets(), bases, owner))
    link = bridge_options(draft).link
    own = [(subnet, where) for subnet, where in routes if where != link]
    used = book.subnets(but=draft.id)
    for pool in draft.pools:
        if pool.subnet:
            _check_routes(draft, ipam.parse_subnet(pool.subnet), own)
    pools = _pools(draft, used, [*used, *(subnet for subnet, _ in own)], bases, owner)
    _check_link(draft, link, book)
    return evolve(draft, asked=any(pool.subnet for pool in draft.pools), pools=pools)


def _pools(
    draft: Network, used: Sequence[Subnet], avoided: Sequence[Subnet], bases: Sequence[Base], owner: str
) -> tuple[Pool, ...]:
    """``used`` refuses what was asked for, ``avoided`` is not chosen by itself."""
    said = [pool for pool in draft.pools if pool.subnet]
    if len(said) < len(draft.pools) and any(
        pool.range or pool.aux or pool.gateway for pool in draft.pools if not pool.subnet
    ):
        raise BadRequest(
            "invalid network config:\nevery ip-range, gateway or auxiliary address must have a corresponding subnet"
        )
    found: list[Pool] = []
    for pool in said:
        others = [ipam.parse_subnet(each.subnet) for each in found]
        found.append(ipam.complete(pool, [*used, *others]))
    versions = {ipam.parse_subnet(pool.subnet).version for pool in found}
    if 6 in versions and not draft.ipv6:
        raise BadRequest(
            "invalid network config:\nIPv6 subnet is given, but IPv6 is not enabled for the network (--ipv6)"
        )
    if draft.ipv4 and 4 not in versions:
        found.append(
            ipam.fresh(ipam.choose([base for base in bases if base.network.version == 4] or DEFAULT_BASES, avoided))
        )
    if draft.ipv6 and 6 not in versions:
        found.append(ipam.fresh(ipam.choose([*bases, Base(_local_base(owner), 64)], avoided, 6)))
    return tuple(sorted(found, key=lambda pool: ":" in pool.subnet))


def _local_base(owner: str) -> IPv6Network:
    """A /48 of unique local addresses (RFC 4193) that is this daemon's, always the same."""
    digest = hashlib.sha256(f"pydockerd addresses {owner}".encode()).digest()
    return IPv6Network((b"\xfd" + digest[:5] + bytes(10), 48))


def _check_routes(draft: Network, subnet: Subnet, routes: Iterable[tuple[Subnet, str]]) -> None:
    for route, link in routes:
        if ipam.overlaps(subnet, route):
            raise Forbidden(
                f"{ipam.OVERLAP}: {subnet} of network {draft.name} overlaps the machine's own route {route} by {link}: choose another --subnet"
            )


def _check_link(draft: Network, link: str, book: Book) -> None:
    for other in book.networks.values():
        if (
            other.id != draft.id
            and other.driver == "bridge"
            and not other.config_only
            and bridge_options(other).link == link
        ):
            raise Forbidden(
                f"cannot create network {draft.id} ({link}): conflicts with network {other.id} ({link}): networks have same bridge name"
            )


def default_network(id: str, link: str, settings: NetworkSettings, created_ns: int) -> Network:
    """The network ``bridge``, as the daemon's settings say; its pool may be empty, and is chosen then."""
    pools = []
    if settings.bip is not None:
        pools.append(
            Pool(subnet=str(settings.bip.network), gateway=str(settings.bip.ip), range=str(settings.fixed_cidr or ""))
        )
    elif settings.fixed_cidr is not None:
        pools.append(Pool(subnet=str(settings.fixed_cidr), gateway=str(settings.default_gateway or "")))
    ipv6 = settings.ipv6 or settings.bip6 is not None
    if settings.bip6 is not None:
        pools.append(
            Pool(
                subnet=str(settings.bip6.network),
                gateway=str(settings.bip6.ip),
                range=str(settings.fixed_cidr_v6 or ""),
            )
        )
    elif settings.fixed_cidr_v6 is not None and ipv6:
        pools.append(Pool(subnet=str(settings.fixed_cidr_v6), gateway=str(settings.default_gateway_v6 or "")))
    options = {
        "com.docker.network.bridge.default_bridge": "true",
        "com.docker.network.bridge.enable_icc": _text(settings.icc),
        "com.docker.network.bridge.enable_ip_masquerade": _text(settings.ip_masq),
        "com.docker.network.bridge.host_binding_ipv4": str(settings.ip),
        NAME: link,
        "com.docker.network.driver.mtu": str(settings.mtu or 1500),
    }
    return Network(
        id=id, name="bridge", driver="bridge", created_ns=created_ns, ipv6=ipv6, pools=tuple(pools), options=options
    )


def new_id() -> str:
    """64 hexadecimal digits."""
    return secrets.token_hex(32)


def check_attachment(network: Network, wanted: Attachment) -> None:
    """BadRequest for settings that this network does not take."""
    if network.config_only:
        raise Forbidden(f"network {network.name}: configuration networks cannot be used to run containers")
    if network.driver in {"host", "null"}:
        raise BadRequest(f"cannot attach both user-defined and non-user-defined network-modes: {network.name}")
    check_settings(wanted, default=network.is_default)
    for text in (wanted.ipv4, wanted.ipv6):
        _refuse(network.name, _fixed_problem(network, text) if text else [])


def check_settings(wanted: Attachment, *, default: bool) -> None:
    """What can be said without the network; ``default`` is whether it is the one of those who ask for none. BadRequest."""
    problems = []
    if default and (wanted.ipv4 or wanted.ipv6):
        problems.append("user-specified IP address is supported on user-defined networks only")
    if default and wanted.aliases:
        problems.append("network-scoped aliases are only supported for user-defined networks")
    if wanted.mac and (not _MAC.fullmatch(wanted.mac) or int(wanted.mac[:2], 16) & 1):
        problems.append(f"invalid MAC address: {wanted.mac}")
    _refuse(wanted.network, problems)
    sysctls(wanted.driver_opts)
    interface_name(wanted.driver_opts)


def _refuse(network: str, problems: Sequence[str]) -> None:
    if problems:
        raise BadRequest(f"invalid config for network {network}: invalid endpoint settings:\n" + "\n".join(problems))


def _fixed_problem(network: Network, text: str) -> list[str]:
    try:
        wanted = ip_address(text)
    except ValueError:
        return [f"invalid IP address: {text}"]
    if ipam.holding(network.pools, wanted) is None:
        return [f"no configured subnet contains IP address {text}"]
    return []


def endpoint(
    network: Network,
    wanted: Attachment,
    sandbox: str,
    book: Book,
    *,
    names: Sequence[str],
    interfaces: Iterable[str],
) -> Endpoint | None:
    """A new endpoint with free addresses; None when there are none. Forbidden for an address that is in use."""
    taken = book.taken(network.id)
    found: dict[int, str] = {}
    gateways: dict[int, str] = {}
    for version, enabled, fixed in ((4, network.ipv4, wanted.ipv4), (6, network.ipv6, wanted.ipv6)):
        pools = [pool for pool in network.pools if ipam.parse_subnet(pool.subnet).version == version]
        if not enabled or not pools:
            continue
        chosen = _address(pools, fixed, taken)
        if chosen is None:
            return None
        pool, ip = chosen
        found[version] = f"{ip}/{ipam.parse_subnet(pool.subnet).prefixlen}"
        gateways[version] = _gateway(network, pool, version)
    identity = new_id()
    mac = wanted.mac.lower().replace("-", ":") or _mac(found)
    return Endpoint(
        id=identity,
        network_id=network.id,
        sandbox=sandbox,
        attachment=wanted,
        interface=interface_name(wanted.driver_opts) or _interface(network, interfaces),
        link=f"veth{identity[:7]}" if network.driver == "bridge" else "",
        mac="" if network.driver == "ipvlan" else mac,
        ipv4=found.get(4, ""),
        ipv6=found.get(6, ""),
        gateway4=gateways.get(4, ""),
        gateway6=gateways.get(6, ""),
        names=names_on(names, wanted),
    )


def names_on(names: Sequence[str], wanted: Attachment) -> tuple[str, ...]:
    """What a sandbox is called on a network: its own name first, then what it is called there, then what else it is called everywhere."""
    return tuple(dict.fromkeys((*names[:1], *wanted.aliases, *names[1:])))


def _address(pools: Sequence[Pool], fixed: str, taken: set[Address]) -> tuple[Pool, Address] | None:
    if fixed:
        wanted = ip_address(fixed)
        pool = ipam.holding(pools, wanted)
        if pool is None:
            raise BadRequest(f"no configured subnet contains IP address {fixed}")
        return pool, ipam.claim(pool, wanted, taken)
    for pool in pools:
        free = ipam.allocate(pool, taken)
        if free is not None:
            return pool, free
    return None


def _gateway(network: Network, pool: Pool, version: int) -> str:
    """Empty where nothing leads out of the network."""
    if network.internal:
        return ""
    if network.driver == "bridge":
        return pool.gateway if bridge_options(network).has_gateway(version) else ""
    options = child_options(network)
    return "" if options.dummy or options.mode in {"l3", "l3s"} else pool.gateway


def exhausted(network: Network) -> BadRequest:
    """docker's words."""
    return BadRequest(f"no available IPv4 addresses on this network's address pools: {network.name} ({network.id})")


def _mac(found: dict[int, str]) -> str:
    if 4 in found:
        return hardware_address(found[4].partition("/")[0])
    return "02:42:" + ":".join(f"{byte:02x}" for byte in secrets.token_bytes(4))


def _interface(network: Network, used: Iterable[str]) -> str:
    prefix = bridge_options(network).prefix if network.driver == "bridge" else "eth"
    names, number = set(used), 0
    while f"{prefix}{number}" in names:
        number += 1
    return f"{prefix}{number}"


def bases_of(settings: NetworkSettings) -> tuple[Base, ...]:
    """Where subnets come from: the settings' pools, or docker's. Without one of IPv6 there is still our own."""
    return tuple(Base(pool.base, pool.size) for pool in settings.default_address_pools)


def _text(value: bool) -> str:
    return "true" if value else "false"
