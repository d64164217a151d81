"""State → packet rules: a table of our own in nftables, whose rules never change and whose sets and maps say what they apply to.

A network is a few elements (its bridge's name), a published port is one; so a change is a few elements added and deleted in one transaction,
however many networks there are, and a packet is looked up by hash and not compared with one rule after another. `elements` is the whole
of it, from the state; `replace` and `change` are the texts that nft(8) reads.

What the rules say, as docker's do:

- ``prerouting``, ``output``: who comes to an address of this machine and a published port goes to the sandbox. With an address of its own in the
  publication (``127.0.0.1:80:80``) only to that address.
- ``forward``: into a bridge come replies, what was published, and what belongs to the bridge itself; so networks are kept from each other.
  Nothing goes into or out of internal ones. Where containers must not reach each other (icc), their ports of the bridge are isolated
  by the kernel, and the way over the gateway is closed here.
- ``postrouting``: what leaves a network that masquerades has the machine's address. What was published and comes back to the same bridge,
  or comes from the machine's own loopback, has the bridge's, because the reply would not come back this way otherwise. (With br_netfilter the
  kernel sends such packets back within the bridge, and replies come back this way by themselves, but for who has asked for himself: ``selves``.)
- ``guard``: with route_localnet (below) a container could send packets to 127.0.0.1 of the machine. They are dropped.

Published ports are reached over 127.0.0.1 by these rules, too: the bridges have the kernel's route_localnet. docker has a proxy process for
each port instead, which copies every byte twice.

All of it is dropped with the table, which is the last thing that a network leaves. It does not touch what others have made; a drop in
another program's table stays a drop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import frozen

from pydockerd.network.model import Endpoint, Network, address
from pydockerd.network.options import BridgeOptions
from pydockerd.network.ports import ANY4, ANY6

Elements = Mapping[str, frozenset[str]]
"""The elements of each set and map, as nft(8) writes them."""

SETS: Final[Mapping[str, str]] = {
    "bridges": "set bridges { type ifname; }",
    "same": "set same { type ifname . ifname; }",
    "closed": "set closed { type ifname; }",
    "selves4": "set selves4 { type ipv4_addr . ipv4_addr; }",
    "selves6": "set selves6 { type ipv6_addr . ipv6_addr; }",
    "internal": "set internal { type ifname; }",
    "guarded": "set guarded { type ifname; }",
    "masquerade4": "set masquerade4 { type ifname; }",
    "masquerade6": "set masquerade6 { type ifname; }",
    "snat4": "map snat4 { type ifname : ipv4_addr; }",
    "snat6": "map snat6 { type ifname : ipv6_addr; }",
    "any4": "map any4 { type inet_proto . inet_service : ipv4_addr . inet_service; }",
    "any6": "map any6 { type inet_proto . inet_service : ipv6_addr . inet_service; }",
    "at4": "map at4 { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }",
    "at6": "map at6 { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }",
    "open4": "set open4 { type ipv4_addr . inet_proto . inet_service; }",
    "open6": "set open6 { type ipv6_addr . inet_proto . inet_service; }",
}

_CHAINS: Final = """\
  chain guard {
    type filter hook prerouting priority raw; policy accept;
    iifname @bridges ip daddr 127.0.0.0/8 drop
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local goto published
  }
  chain output {
    type nat hook output priority -100; policy accept;
    fib daddr type local goto published
  }
  chain published {
    dnat ip to ip daddr . meta l4proto . th dport map @at4
    dnat ip to meta l4proto . th dport map @any4
    dnat ip6 to ip6 daddr . meta l4proto . th dport map @at6
    ip6 daddr != ::1 dnat ip6 to meta l4proto . th dport map @any6
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    iifname . oifname @same iifname @closed ct status & dnat == 0 drop
    iifname . oifname @same accept
    iifname @internal drop
    oifname @internal drop
    oifname @guarded goto into
  }
  chain into {
    ct status & dnat == dnat accept
    ip daddr . meta l4proto . th dport @open4 accept
    ip6 daddr . meta l4proto . th dport @open6 accept
    drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname @bridges ip saddr 127.0.0.0/8 masquerade
    ip saddr . ip daddr @selves4 masquerade
    ip6 saddr . ip6 daddr @selves6 masquerade
    iifname . oifname @same ct status & dnat == dnat masquerade
    iifname . oifname @same return
    meta nfproto ipv4 iifname @masquerade4 masquerade
    meta nfproto ipv6 iifname @masquerade6 masquerade
    snat ip to iifname map @snat4
    snat ip6 to iifname map @snat6
  }
"""


@frozen
class Wired:
    """A bridge network whose bridge is there."""

    network: Network
    options: BridgeOptions
    endpoints: tuple[Endpoint, ...] = ()


def elements(networks: Iterable[Wired]) -> dict[str, frozenset[str]]:
    """What the sets and maps hold for these networks."""
    found: dict[str, set[str]] = {name: set() for name in SETS}
    for wired in networks:
        _add_network(found, wired)
        for endpoint in wired.endpoints:
            _add_ports(found, wired.options, endpoint)
    return {name: frozenset(items) for name, items in found.items()}


def _add_network(found: dict[str, set[str]], wired: Wired) -> None:
    network, options = wired.network, wired.options
    link = f'"{options.link}"'
    found["bridges"].add(link)
    found["same"].add(f"{link} . {link}")
    if not options.icc:
        found["closed"].add(link)
    if network.internal:
        found["internal"].add(link)
        return
    if not options.direct:
        found["guarded"].add(link)
    for version, snat in ((4, options.host_ipv4), (6, options.host_ipv6)):
        if not options.masquerades(version):
            continue
        if snat:
            found[f"snat{version}"].add(f"{link} : {snat}")
        else:
            found[f"masquerade{version}"].add(link)


def _add_ports(found: dict[str, set[str]], options: BridgeOptions, endpoint: Endpoint) -> None:
    for port in endpoint.published:
        version = 6 if ":" in port.host_ip else 4
        inside = address(endpoint.ipv6 if version == 6 else endpoint.ipv4)
        if not inside:
            continue  # passed on by the proxy
        if not options.translates(version):
            found[f"open{version}"].add(f"{inside} . {port.protocol} . {port.port}")
            continue
        found[f"selves{version}"].add(f"{inside} . {inside}")
        target = f"{inside} . {port.port}"
        key = f"{port.protocol} . {port.host_port}"
        if port.host_ip in {ANY4, ANY6}:
            found[f"any{version}"].add(f"{key} : {target}")
        else:
            found[f"at{version}"].add(f"{port.host_ip} . {key} : {target}")


def replace(table: str, wanted: Elements) -> str:
    """The transaction after which the table is this and nothing else, whatever it was."""
    lines = [f"table inet {table} {{}}", f"delete table inet {table}", f"table inet {table} {{"]
    for name, declared in SETS.items():
        items = sorted(wanted[name])
        body = f" elements = {{ {', '.join(items)} }}; }}" if items else " }"
        lines.append("  " + declared.removesuffix(" }") + body)
    return "\n".join(lines) + "\n" + _CHAINS + "}\n"


def change(table: str, before: Elements, after: Elements) -> str:
    """The transaction from one state of the sets to another; empty when there is nothing to do. What goes is deleted before what comes."""
    lines: list[str] = []
    for verb, old, new in (("delete", after, before), ("add", before, after)):
        changed = ((name, sorted(new[name] - old[name])) for name in SETS)
        lines += [f"{verb} element inet {table} {name} {{ {', '.join(items)} }}" for name, items in changed if items]
    return "".join(line + "\n" for line in lines)


def datagram_ports(before: Elements | None, after: Elements | None) -> set[int]:
    """The ports of the machine whose datagrams lead elsewhere than before: see `pydockerd.network.conntrack`."""
    found = set()
    for name in ("any4", "any6", "at4", "at6"):
        for item in (before or {}).get(name, frozenset()) ^ (after or {}).get(name, frozenset()):
            *_, protocol, port = item.partition(" : ")[0].split(" . ")
            if protocol == "udp":
                found.add(int(port))
    return found


def remove(table: str) -> str:
    """The transaction after which there is no such table, whether there was one or not."""
    return f"table inet {table} {{}}\ndelete table inet {table}\n"
