"""Options that are more than a word: limits, address pools, runtimes, options of networks."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from pydockerd.config.kinds import Network, mapping, mismatch, string
from pydockerd.errors import ConfigError


@frozen(kw_only=True)
class DefaultUlimit:
    """A limit of every container that asks for no other of its name; -1 is none."""

    name: str
    soft: int
    hard: int


@frozen(kw_only=True)
class AddressPool:
    """Where subnets of networks are taken from: ``base`` in parts of ``2 ** (32 - size)`` addresses (128 for IPv6)."""

    base: Network
    size: int


@frozen
class Ulimits:
    """``--default-ulimit nofile=1024:2048``, and dockerd's ``{"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 2048}}``."""

    repeats: bool = field(default=True, init=False)
    bare: bool = field(default=False, init=False)

    def from_flag(self, texts: Sequence[str], name: str) -> Mapping[str, DefaultUlimit]:
        return {limit.name: limit for limit in (_ulimit(text, name) for text in texts)}

    def from_json(self, value: Any, name: str) -> Mapping[str, DefaultUlimit]:
        return {key: self._limit(key, item, f"{name}.{key}") for key, item in mapping(value, name).items()}

    def _limit(self, key: str, value: Any, name: str) -> DefaultUlimit:
        said = {field.lower(): item for field, item in mapping(value, name).items()}
        if unknown := said.keys() - {"name", "soft", "hard"}:
            raise ConfigError(f"{name}: it has no {sorted(unknown)[0]!r}, only Name, Soft and Hard")
        if said.get("name", key) != key:
            raise ConfigError(f"{name}.Name: {said['name']!r} is not {key!r}")
        soft, hard = (_number(said.get(which, 0), f"{name}.{which.capitalize()}") for which in ("soft", "hard"))
        return _ordered(DefaultUlimit(name=key, soft=soft, hard=hard), name)


@frozen
class Pools:
    """``--default-address-pool base=10.10.0.0/16,size=24``, and an array of such objects."""

    repeats: bool = field(default=True, init=False)
    bare: bool = field(default=False, init=False)

    def from_flag(self, texts: Sequence[str], name: str) -> tuple[AddressPool, ...]:
        return tuple(self._pool(dict(_halves(text, name)), name) for text in texts)

    def from_json(self, value: Any, name: str) -> tuple[AddressPool, ...]:
        if not isinstance(value, list):
            raise mismatch(name, "an array of objects with base and size", value)
        return tuple(self._pool(mapping(item, f"{name}[{i}]"), f"{name}[{i}]") for i, item in enumerate(value))

    def _pool(self, said: Mapping[str, Any], name: str) -> AddressPool:
        if set(said) != {"base", "size"}:
            raise ConfigError(f"{name}: a pool has a base and a size, got {', '.join(sorted(said)) or 'nothing'}")
        try:
            base = ipaddress.ip_network(string(said["base"], f"{name}.base"), strict=False)
            size = int(said["size"])
        except (ValueError, TypeError) as error:
            raise ConfigError(f"{name}: invalid pool: {error}") from None
        if not base.prefixlen <= size <= base.max_prefixlen:
            raise ConfigError(f"{name}: invalid pool: a subnet of /{size} does not fit into {base}")
        return AddressPool(base=base, size=size)


@frozen
class Runtimes:
    """``--add-runtime crun=/usr/bin/crun`` and an object of them. There is one runtime here, and no other can be added."""

    repeats: bool = field(default=True, init=False)
    bare: bool = field(default=False, init=False)

    def from_flag(self, texts: Sequence[str], name: str) -> Mapping[str, str]:
        return self._none([text.partition("=")[0] for text in texts], name)

    def from_json(self, value: Any, name: str) -> Mapping[str, str]:
        return self._none(list(mapping(value, name)), name)

    def _none(self, names: Sequence[str], name: str) -> Mapping[str, str]:
        if names:
            raise ConfigError(
                f"{name}: {names[0]}: containers are run by pyrunc, within the daemon: no other runtime can be added"
            )
        return {}


@frozen
class NetworkOptions:
    """``--default-network-opt bridge=com.docker.network.driver.mtu=1234``, and an object of drivers with objects of strings."""

    repeats: bool = field(default=True, init=False)
    bare: bool = field(default=False, init=False)

    def from_flag(self, texts: Sequence[str], name: str) -> Mapping[str, Mapping[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for text in texts:
            driver, _, rest = text.partition("=")
            key, equals, value = rest.partition("=")
            if not driver or not key or not equals:
                raise ConfigError(f"{name}: expected DRIVER=NAME=VALUE, got {text!r}")
            found.setdefault(driver, {})[key] = value
        return found

    def from_json(self, value: Any, name: str) -> Mapping[str, Mapping[str, str]]:
        return {
            driver: {
                key: string(item, f"{name}.{driver}.{key}")
                for key, item in mapping(options, f"{name}.{driver}").items()
            }
            for driver, options in mapping(value, name).items()
        }


def _ulimit(text: str, name: str) -> DefaultUlimit:
    key, equals, values = text.partition("=")
    soft, _, hard = values.partition(":")
    if not key or not equals or not soft:
        raise ConfigError(f"{name}: expected NAME=SOFT:HARD, got {text!r}")
    limits = [-1 if word == "unlimited" else word for word in (soft, hard or soft)]
    return _ordered(DefaultUlimit(name=key, soft=_number(limits[0], name), hard=_number(limits[1], name)), name)


def _ordered(limit: DefaultUlimit, name: str) -> DefaultUlimit:
    if limit.hard != -1 and (limit.soft > limit.hard or limit.soft == -1):
        raise ConfigError(
            f"{name}: ulimit soft limit must be less than or equal to hard limit: {limit.soft} > {limit.hard}"
        )
    return limit


def _number(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise mismatch(name, "a whole number", value)
    try:
        return int(value)
    except ValueError:
        raise ConfigError(f"{name}: expected a whole number, got {value!r}") from None


def _halves(text: str, name: str) -> Sequence[tuple[str, str]]:
    parts = [part.partition("=") for part in text.split(",")]
    if not all(equals for _, equals, _ in parts):
        raise ConfigError(f"{name}: expected base=NETWORK,size=BITS, got {text!r}")
    return [(key.strip(), value.strip()) for key, _, value in parts]
