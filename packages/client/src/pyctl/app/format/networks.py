"""Rows of ``network ls`` (docker's command/network/formatter.go)."""

from __future__ import annotations

import re

from pyctl.app.format.gotemplate import Row, Value
from pyctl.app.format.listing import Layout
from pyctl.app.format.units import short_id
from pyctl.models.networks import Network

_RFC3339 = re.compile(r"(?P<day>[0-9-]{10})T(?P<time>[0-9:]{8})(?P<fraction>(?:\.[0-9]+)?)(?P<zone>Z|[+-][0-9:]{5})")

NETWORKS = Layout(
    default=("ID", "Name", "Driver", "Scope"),
    titles={
        "CreatedAt": "CREATED AT",
        "Driver": "DRIVER",
        "ID": "NETWORK ID",
        "IPv4": "IPV4",
        "IPv6": "IPV6",
        "Internal": "INTERNAL",
        "Labels": "LABELS",
        "Name": "NAME",
        "Scope": "SCOPE",
    },
    raw="network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n",
    go_type="*network.networkContext",
    methods=frozenset({"Label"}),
)


def network_row(network: Network, *, truncate: bool) -> Row:
    """One network."""
    columns: dict[str, Value] = {
        "CreatedAt": _go_time(network.created),
        "Driver": network.driver,
        "ID": short_id(network.id) if truncate else network.id,
        "IPv4": _flag(network.enable_ipv4),
        "IPv6": _flag(network.enable_ipv6),
        "Internal": _flag(network.internal),
        "Labels": ",".join(f"{name}={value}" for name, value in sorted(network.labels.items())),
        "Name": network.name,
        "Scope": network.scope,
    }
    return Row(NETWORKS.go_type, columns, {"Label": lambda name: network.labels.get(str(name), "")})


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _go_time(text: str) -> str:
    """An RFC 3339 time as Go's Time.String prints it, in its own zone and with the fraction that it has."""
    found = _RFC3339.fullmatch(text)
    if found is None:
        return text
    fraction = found["fraction"].rstrip("0").rstrip(".")
    zone = found["zone"].replace(":", "")
    return f"{found['day']} {found['time']}{fraction} {'+0000 UTC' if zone == 'Z' else f'{zone} {zone}'}"
