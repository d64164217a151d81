"""``--volume``, ``--tmpfs`` and ``--mount``."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable

import attrs

from pyctl.app.options.values import pairs, size
from pyctl.errors import InvalidValue
from pyctl.models.create import BindOptions, Mount, TmpfsOptions, VolumeOptions


@attrs.frozen
class Volumes:
    """What ``--volume`` becomes: binds as the API writes them, and targets of anonymous volumes."""

    binds: list[str]
    anonymous: list[str]


def volumes(specs: Iterable[str]) -> Volumes:
    """``TARGET``, ``SOURCE:TARGET[:OPTIONS]``; a relative source (``./x``) is made absolute. Raises `InvalidValue`."""
    binds, anonymous = [], []
    for spec in specs:
        parts = spec.split(":")
        if not all(parts):
            raise InvalidValue(f"invalid spec: {spec}: empty section between colons")
        if len(parts) > 3:
            raise InvalidValue(f"invalid spec: {spec}: too many colons")
        if len(parts) == 1:
            anonymous.append(spec)
        else:
            binds.append(":".join([_source(parts[0]), *parts[1:]]))
    return Volumes(binds, anonymous)


def _source(path: str) -> str:
    return os.path.abspath(path) if path.startswith(".") else path


def tmpfs(specs: Iterable[str]) -> dict[str, str]:
    """``TARGET[:OPTIONS]`` as target to options."""
    return {target: options for target, _, options in (spec.partition(":") for spec in specs)}


def mount(text: str) -> Mount:
    """``type=bind,source=...,target=...``, a line of CSV. Raises `InvalidValue`."""
    values: dict[str, str] = {}
    labels: list[str] = []
    for field in next(csv.reader([text]), []):
        key, found, value = field.partition("=")
        key = key.strip().lower()
        if not found and key not in _SWITCHES:
            raise InvalidValue(f"invalid field '{field}' must be a key=value pair")
        if key not in _FIELDS:
            raise InvalidValue(f"unexpected key '{key}' in '{field}'")
        if key == "volume-label":
            labels.append(value)
        values[_FIELDS[key]] = value if found else "true"
    return _build(values, labels)


_FIELDS = {
    "type": "type",
    "source": "source",
    "src": "source",
    "target": "target",
    "dst": "target",
    "destination": "target",
    "readonly": "readonly",
    "ro": "readonly",
    "consistency": "consistency",
    "bind-propagation": "propagation",
    "bind-recursive": "recursive",
    "bind-create-src": "create",
    "volume-nocopy": "nocopy",
    "volume-subpath": "subpath",
    "volume-label": "label",
    "tmpfs-size": "size",
    "tmpfs-mode": "mode",
}
_SWITCHES = frozenset({"readonly", "ro", "volume-nocopy", "bind-create-src"})


def _build(values: dict[str, str], labels: list[str]) -> Mount:
    kind = values.get("type", "volume")
    if not values.get("target"):
        raise InvalidValue("target is required")
    source = values.get("source")
    if kind == "bind" and source is not None:
        source = _source(source)
    return Mount(
        type=kind,
        source=source,
        target=values["target"],
        read_only=_flag(values, "readonly"),
        consistency=values.get("consistency"),
        bind_options=_bind(values),
        volume_options=_volume(values, labels),
        tmpfs_options=_tmpfs(values),
    )


def _bind(values: dict[str, str]) -> BindOptions | None:
    options = BindOptions(
        propagation=values.get("propagation"),
        non_recursive=True if values.get("recursive") == "disabled" else None,
        create_mountpoint=_flag(values, "create"),
    )
    return options if options != BindOptions() else None


def _volume(values: dict[str, str], labels: list[str]) -> VolumeOptions | None:
    options = VolumeOptions(
        no_copy=_flag(values, "nocopy"), subpath=values.get("subpath"), labels=pairs(labels) if labels else None
    )
    return options if options != VolumeOptions() else None


def _tmpfs(values: dict[str, str]) -> TmpfsOptions | None:
    options = TmpfsOptions(size_bytes=_read(values, "size", size), mode=_read(values, "mode", _octal))
    return options if options != TmpfsOptions() else None


def _read(values: dict[str, str], key: str, convert: Callable[[str], int]) -> int | None:
    return convert(values[key]) if key in values else None


def _octal(text: str) -> int:
    try:
        return int(text, 8)
    except ValueError:
        raise InvalidValue(f"invalid value for tmpfs-mode: {text}") from None


def _flag(values: dict[str, str], key: str) -> bool | None:
    if key not in values:
        return None
    value = values[key].lower()
    if value not in ("true", "1", "false", "0"):
        raise InvalidValue(f"invalid value for {key}: {values[key]}")
    return value in ("true", "1")
