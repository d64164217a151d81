"""Doing what was decided: bridges up and down, endpoints plugged in and out, rules loaded. Nothing is decided or recorded here.

All functions block and run in the thread of `kernel`. Doing a thing twice is no failure: that is how a daemon goes on where another was killed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from attrs import frozen

from pydockerd.errors import Forbidden
from pydockerd.network import links, machine
from pydockerd.network.book import hardware_address
from pydockerd.network.ipam import parse_subnet
from pydockerd.network.kernel import Inside, Kernel
from pydockerd.network.links import Gateway, Interface
from pydockerd.network.model import Endpoint, Network, address
from pydockerd.network.options import NAME, bridge_options, child_options, sysctls

DEFAULT_MTU = 1500


@frozen(kw_only=True)
class Plug:
    """An endpoint with its network."""

    endpoint: Endpoint
    network: Network


@frozen(kw_only=True)
class Ways:
    """By which interface everything leaves that is not on a network; empty for none."""

    interface4: str = ""
    gateways4: tuple[Gateway, ...] = ()
    interface6: str = ""
    gateways6: tuple[Gateway, ...] = ()


def up(kernel: Kernel, network: Network, owner: str, *, forward: bool) -> None:
    """Make the links of a network itself."""
    if network.driver == "bridge":
        _bridge_up(kernel, network, owner, forward=forward)
        return
    options = child_options(network)
    if options.vlan or options.dummy:
        links.make_parent(kernel.host, options.parent, base=options.base, vlan=options.vlan, owner=owner)
    elif not kernel.host.index(options.parent):
        raise Forbidden(f"the parent link {options.parent} does not exist")


def _bridge_up(kernel: Kernel, network: Network, owner: str, *, forward: bool) -> None:
    options = bridge_options(network)
    if forward and not network.internal:
        for version, enabled in ((4, network.ipv4), (6, network.ipv6)):
            if enabled:
                machine.forward(version)
    pools = [pool for pool in network.pools if options.has_gateway(6 if ":" in pool.subnet else 4)]
    addresses = tuple(f"{pool.gateway}/{parse_subnet(pool.subnet).prefixlen}" for pool in pools)
    first = next((pool.gateway for pool in pools if ":" not in pool.gateway), "")
    bridge = links.Bridge(
        link=options.link,
        owner=owner,
        named=bool(network.options.get(NAME)) and not network.is_default,
        addresses=addresses,
        mac=hardware_address(first)
        if first
        else f"02:42:{network.id[:2]}:{network.id[2:4]}:{network.id[4:6]}:{network.id[6:8]}",
        mtu=options.mtu,
        loopback=not network.internal,
    )
    links.make_bridge(kernel.host, bridge)


def down(kernel: Kernel, network: Network, owner: str) -> None:
    """Delete the links of a network itself, as far as they are ours."""
    if network.driver == "bridge":
        links.delete_bridge(kernel.host, bridge_options(network).link, owner)
        return
    options = child_options(network)
    if options.vlan or options.dummy:
        links.delete_bridge(kernel.host, options.parent, owner)


def plug(kernel: Kernel, netns: str, plugs: Sequence[Plug], ways: Ways, owner: str) -> None:
    """Connect a network namespace to networks that are up. On a failure, nothing of it is left."""
    host = kernel.host
    with kernel.inside(netns) as inside:
        try:
            for each in plugs:
                _plug_one(kernel, inside, each)
            _route(inside, ways)
            for each in plugs:
                if each.endpoint.link:
                    links.mark(host, each.endpoint.link, owner)
        except BaseException:
            for each in plugs:
                _unplug_inside(inside, each.endpoint)
                if each.endpoint.link:
                    links.unplug(host, each.endpoint.link)
            raise


def _plug_one(kernel: Kernel, inside: Inside, each: Plug) -> None:
    endpoint, network = each.endpoint, each.network
    addresses = tuple(
        text
        for text in (endpoint.ipv4, endpoint.ipv6, *(_link_local(text) for text in endpoint.attachment.link_local))
        if text
    )
    interface = Interface(
        name=endpoint.interface,
        mac=endpoint.mac,
        mtu=bridge_options(network).mtu if network.driver == "bridge" else child_options(network).mtu,
        addresses=addresses,
        sysctls=tuple(sysctls(endpoint.attachment.driver_opts)),
    )
    if network.driver == "bridge":
        options = bridge_options(network)
        bridge, hairpin = kernel.host.index(options.link), bool(endpoint.published)
        links.plug_pair(
            kernel.host, inside.fd, endpoint.link, bridge, interface, isolated=not options.icc, hairpin=hairpin
        )
    else:
        child = child_options(network)
        links.plug_child(kernel.host, inside.fd, network.driver, child.parent, child.mode, child.flag, interface)
    links.configure(inside.netlink, interface)


def _link_local(text: str) -> str:
    return f"{text}/{64 if ':' in text else 16}"


def _unplug_inside(inside: Inside, endpoint: Endpoint, *, always: bool = False) -> None:
    if always or not endpoint.link:
        links.unplug(inside.netlink, endpoint.interface)


def unplug(
    kernel: Kernel, netns: str, endpoints: Sequence[Endpoint], ways: Ways | None = None, *, inner: bool = False
) -> None:
    """Disconnect. ``netns`` is empty where the namespace is gone, or will be in a moment: what is inside goes with it.

    ``inner`` is for interfaces whose outer ends are not where they should be.
    """
    for endpoint in endpoints:
        if endpoint.link:
            links.unplug(kernel.host, endpoint.link)
    if not netns:
        return
    with kernel.inside(netns) as inside:
        for endpoint in endpoints:
            _unplug_inside(inside, endpoint, always=inner)
        if ways is not None:
            _route(inside, ways)


def reroute(kernel: Kernel, netns: str, ways: Ways) -> None:
    """Another interface has become the way to everywhere."""
    with kernel.inside(netns) as inside:
        _route(inside, ways)


def _route(inside: Inside, ways: Ways) -> None:
    if ways.interface4:
        links.route(inside.netlink, ways.interface4, ways.gateways4)
    if ways.interface6:
        links.route(inside.netlink, ways.interface6, ways.gateways6)


def mend(kernel: Kernel, netns: str, plugs: Sequence[Plug], ways: Ways, owner: str) -> list[str]:
    """Make again what is not as it was made, and the ways; the names of the networks of what was made again."""
    broken = [each for each in plugs if not is_plugged(kernel, netns, each, owner)]
    if broken:
        unplug(kernel, netns, [each.endpoint for each in broken], inner=True)
        plug(kernel, netns, broken, ways, owner)
    else:
        reroute(kernel, netns, ways)
    return [each.network.name for each in broken]


def own_links(network: Network) -> set[str]:
    """The names of the links of a network itself."""
    if network.driver == "bridge" and not network.config_only:
        return {bridge_options(network).link}
    return {child_options(network).parent} if network.driver in {"macvlan", "ipvlan"} else set()


def strays(kernel: Kernel, known: Collection[str], owner: str) -> list[str]:
    """Delete links with our mark that are not ``known``; their names."""
    found = [each.name for each in kernel.host.links() if each.alias == owner and each.name not in known]
    for name in found:
        links.unplug(kernel.host, name)
    return found


def is_plugged(kernel: Kernel, netns: str, each: Plug, owner: str) -> bool:
    """Whether an endpoint is as it was made, to its last step: both ends are there, and the outer one is a port of the network's bridge."""
    endpoint = each.endpoint
    with kernel.inside(netns) as inside:
        if not inside.netlink.index(endpoint.interface) or address(endpoint.ipv4) != machine.ipv4_of(
            endpoint.interface
        ):
            return False
    if not endpoint.link:
        return True
    outer, bridge = kernel.host.link(endpoint.link), kernel.host.index(bridge_options(each.network).link)
    return outer is not None and outer.master == bridge and outer.alias == owner


def ways(four: Endpoint | None, six: Endpoint | None) -> Ways:
    """From the endpoints that were chosen for it."""
    return Ways(
        interface4=four.interface if four else "",
        gateways4=(Gateway(4, four.gateway4),) if four else (),
        interface6=six.interface if six else "",
        gateways6=(Gateway(6, six.gateway6),) if six else (),
    )


def addresses_of(endpoints: Sequence[Endpoint]) -> list[str]:
    """For /etc/hosts."""
    return [address(text) for each in endpoints for text in (each.ipv4, each.ipv6) if text]
