"""One value of ``--network``: a name, or ``name=NET,alias=A,ip=…``."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import Any, Final

import attrs

from pyctl.errors import InvalidValue

_KINDS: Final = frozenset({"default", "bridge", "host", "none"})
_FIELDS: Final[Mapping[str, str]] = {
    "alias": "aliases",
    "ip": "ipv4",
    "ip6": "ipv6",
    "link-local-ip": "link_local",
    "mac-address": "mac",
    "driver-opt": "options",
    "gw-priority": "priority",
}
_MANY: Final = frozenset({"aliases", "link_local", "options"})


@attrs.define(kw_only=True)
class Attachment:
    """One network, and how it is joined."""

    network: str
    aliases: list[str] = attrs.field(factory=list)
    links: list[str] = attrs.field(factory=list)
    ipv4: str = ""
    ipv6: str = ""
    link_local: list[str] = attrs.field(factory=list)
    mac: str = ""
    options: list[str] = attrs.field(factory=list)
    priority: str = ""

    @property
    def has_user(self) -> bool:
        """Whether the network is one that somebody has made, and not one that every daemon has."""
        return self.network not in _KINDS and not self.network.startswith("container:")


def network(text: str) -> str:
    """A value of ``--network`` as it is, if it can be read. Raises `InvalidValue`."""
    read(text)
    return text


def read(text: str) -> Attachment:
    """``name=NET,alias=A,…``, or a name alone. Raises `InvalidValue`."""
    if "=" not in text:
        return Attachment(network=text)
    given: dict[str, Any] = {}
    for part in next(csv.reader([text])):
        key, found, value = part.partition("=")
        name = key.strip().lower()
        if not found:
            raise InvalidValue(f"invalid field {part}")
        if name != "name" and name not in _FIELDS:
            raise InvalidValue(f"invalid field key {name}")
        if name == "name":
            given["network"] = value
        elif (field := _FIELDS[name]) in _MANY:
            given.setdefault(field, []).append(value)
        else:
            given[field] = value
    if not given.get("network"):
        raise InvalidValue("network name/id is not specified")
    return Attachment(**given)
