"""``--volume``, ``--tmpfs`` and ``--mount``."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable

import attrs

from pyctl.app.options.values import pairs, size
from pyctl.errors import InvalidValue
from pyctl.models.create import BindOptions, ImageOptions, Mount, TmpfsOptions, VolumeDriver, VolumeOptions


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
    several: dict[str, list[str]] = {name: [] for name in _SEVERAL}
    for field in next(csv.reader([text]), []):
        key, found, value = field.partition("=")
        key = key.strip().lower()
        if not found and key not in _SWITCHES:
            raise InvalidValue(f"invalid field '{field}' must be a key=value pair")
        if key not in _FIELDS:
            raise InvalidValue(f"unexpected key '{key}' in '{field}'")
        if key in several:
            several[key].append(value)
        values[_FIELDS[key]] = value if found else "true"
    return _build(values, several)


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
    "volume-driver": "driver",
    "volume-opt": "opt",
    "image-subpath": "image-subpath",
    "tmpfs-size": "size",
    "tmpfs-mode": "mode",
}
_SWITCHES = frozenset({"readonly", "ro", "volume-nocopy", "bind-create-src"})
_SEVERAL = ("volume-label", "volume-opt")
_RECURSIONS = ("enabled", "disabled", "writable", "readonly")


def _build(values: dict[str, str], several: dict[str, list[str]]) -> Mount:
    kind = values.get("type", "volume")
    if not values.get("target"):
        raise InvalidValue("target is required")
    source = values.get("source")
    if kind == "bind" and source is not None:
        source = _source(source)
    made = Mount(
        type=kind,
        source=source,
        target=values["target"],
        read_only=_flag(values, "readonly"),
        consistency=values.get("consistency"),
        bind_options=_bind(values),
        volume_options=_volume(values, several),
        image_options=ImageOptions(subpath=values["image-subpath"]) if "image-subpath" in values else None,
        tmpfs_options=_tmpfs(values),
    )
    _check(made)
    return made


def _check(made: Mount) -> None:
    options = {
        "volume": made.volume_options,
        "image": made.image_options,
        "bind": made.bind_options,
        "tmpfs": made.tmpfs_options,
    }
    for kind, given in options.items():
        if given is not None and made.type != kind:
            raise InvalidValue(f"cannot mix '{kind}-*' options with mount type '{made.type}'")
    bind = made.bind_options
    if bind is None:
        return
    for recursion, asked in (("writable", bind.read_only_non_recursive), ("readonly", bind.read_only_force_recursive)):
        if asked and not made.read_only:
            raise InvalidValue(
                f"option 'bind-recursive={recursion}' requires 'readonly' to be specified in conjunction"
            )
    if bind.read_only_force_recursive and bind.propagation != "rprivate":
        raise InvalidValue(
            "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction"
        )


def _bind(values: dict[str, str]) -> BindOptions | None:
    recursion = values.get("recursive", "enabled")
    if recursion not in _RECURSIONS:
        raise InvalidValue(
            f'invalid value for bind-recursive: {recursion} (must be "enabled", "disabled", "writable", or "readonly")'
        )
    options = BindOptions(
        propagation=values.get("propagation"),
        non_recursive=True if recursion == "disabled" else None,
        create_mountpoint=_flag(values, "create"),
        read_only_non_recursive=True if recursion == "writable" else None,
        read_only_force_recursive=True if recursion == "readonly" else None,
    )
    return options if options != BindOptions() else None


def _volume(values: dict[str, str], several: dict[str, list[str]]) -> VolumeOptions | None:
    labels, made_by = several["volume-label"], several["volume-opt"]
    driver = VolumeDriver(name=values.get("driver"), options=pairs(made_by) if made_by else None)
    options = VolumeOptions(
        no_copy=_flag(values, "nocopy"),
        subpath=values.get("subpath"),
        labels=pairs(labels) if labels else None,
        driver=driver if driver != VolumeDriver() else None,
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
