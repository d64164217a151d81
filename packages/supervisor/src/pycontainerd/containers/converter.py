"""Configurations as JSON, for the metadata."""

from __future__ import annotations

from functools import cache

from cattrs.preconf.json import JsonConverter, make_converter
from cattrs.strategies import configure_tagged_union

from pycontainerd.containers.config import BindMount, ContainerConfig, ExecConfig, TmpfsMount
from pycontainerd.containers.health import Health


@cache
def _converter() -> JsonConverter:
    converter = make_converter()
    configure_tagged_union(
        BindMount | TmpfsMount,
        converter,
        tag_name="type",
        tag_generator=lambda kind: {BindMount: "bind", TmpfsMount: "tmpfs"}[kind],
    )
    return converter


def dumps(config: ContainerConfig | ExecConfig) -> str:
    """The JSON text."""
    return _converter().dumps(config)


def load_container(text: str) -> ContainerConfig:
    """The configuration in a JSON text; what an older version did not have takes its default."""
    return _converter().loads(text, ContainerConfig)


def load_exec(text: str) -> ExecConfig:
    """The same for an exec."""
    return _converter().loads(text, ExecConfig)


def dump_health(health: Health | None) -> str:
    """The JSON text; empty for None."""
    return "" if health is None else _converter().dumps(health)


def load_health(text: str) -> Health | None:
    """What ``dump_health`` has made a text of."""
    return _converter().loads(text, Health) if text else None
