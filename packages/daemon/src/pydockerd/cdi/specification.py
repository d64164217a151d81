"""The files: read, checked, and looked up by the full names of devices (``vendor.com/class=name``).

Source: the CDI specification, versions 0.3 to 1.0 (cncf-tags/container-device-interface, SPEC.md). A file that is wrong does not keep the others from
being used: what it describes is not there, and why is written to the log.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from pydockerd.errors import BadRequest
from pydockerd.models.wire import read

logger = logging.getLogger("pydockerd.cdi")

_VERSIONS = re.compile(r"v?(0\.[3-8]|1\.[01])\.0")
_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9]/[A-Za-z][A-Za-z0-9_-]*[A-Za-z0-9]")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.:-]*[A-Za-z0-9])?")
_SUFFIXES = (".json", ".yaml")
_LARGEST = 1 << 20


@frozen(kw_only=True)
class DeviceNode:
    """A node of the host, ``host_path`` or the same path, at ``path`` in the container."""

    path: str = ""
    host_path: str = ""
    permissions: str = "rwm"


@frozen(kw_only=True)
class Mount:
    """A bind mount."""

    host_path: str = ""
    container_path: str = ""
    options: tuple[str, ...] = ()


@frozen(kw_only=True)
class Hook:
    """A program that runs at the point ``hook_name`` of the runtime specification."""

    hook_name: str = ""
    path: str = ""
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    timeout: int | None = None


@frozen(kw_only=True)
class Edits:
    """What a container gets for a device: ``containerEdits``."""

    env: tuple[str, ...] = ()
    device_nodes: tuple[DeviceNode, ...] = ()
    mounts: tuple[Mount, ...] = ()
    hooks: tuple[Hook, ...] = ()
    additional_gids: tuple[int, ...] = ()
    intel_rdt: Mapping[str, Any] | None = None


@frozen(kw_only=True)
class _Device:
    name: str = ""
    container_edits: Edits = Edits()


@frozen(kw_only=True)
class _File:
    cdi_version: str = ""
    kind: str = ""
    devices: tuple[_Device, ...] = ()
    container_edits: Edits = Edits()


def find(directories: Iterable[Path]) -> dict[str, tuple[Edits, ...]]:
    """All devices by their full names, each with its edits: the file's and its own. A later directory has precedence.

    Two files of one directory that describe the same device contradict each other: then it is not there.
    """
    found: dict[str, tuple[Edits, ...]] = {}
    for directory in directories:
        found |= _directory(directory)
    return found


def _directory(directory: Path) -> dict[str, tuple[Edits, ...]]:
    found: dict[str, tuple[Edits, ...]] = {}
    twice: set[str] = set()
    for file in sorted(path for path in _listed(directory) if path.suffix in _SUFFIXES):
        try:
            described = dict(_devices(_load(file)))
        except (BadRequest, OSError, ValueError) as error:
            logger.warning("%s describes no devices: %s", file, error)
            continue
        twice |= described.keys() & found.keys()
        found |= described
    for name in twice:
        logger.warning("%s: several files in %s describe %s: none is used", name, directory, name)
    return {name: edits for name, edits in found.items() if name not in twice}


def _listed(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:
        return []


def _load(path: Path) -> _File:
    """Raises BadRequest naming the place, ValueError, OSError."""
    import yaml

    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"larger than {_LARGEST} bytes")
    try:
        described = read(_File, yaml.safe_load(content))  # JSON is YAML
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"neither YAML nor JSON: {error}") from error
    if not _VERSIONS.fullmatch(described.cdi_version):
        raise ValueError(f"cdiVersion: {described.cdi_version!r} is not known")
    if not _KIND.fullmatch(described.kind):
        raise ValueError(f"kind: {described.kind!r} is not of the form vendor/class")
    return described


def _devices(described: _File) -> Iterator[tuple[str, tuple[Edits, ...]]]:
    for index, device in enumerate(described.devices):
        if not _NAME.fullmatch(device.name):
            raise ValueError(f"devices[{index}].name: {device.name!r} is no name")
        yield f"{described.kind}={device.name}", (described.container_edits, device.container_edits)
