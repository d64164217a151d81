"""What a container mounts, as it was decided when it was created. It is kept as JSON in an annotation of the container: that is where a daemon of
tomorrow reads which volumes are in use, and what ``docker inspect`` shows.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from attrs import frozen

from pycontainerd.containers.config import BindMount, ContainerConfig, TmpfsMount
from pydockerd.models.wire import dump, read, wire

POINTS: Final = "io.pydockerd.mounts"
"""The annotation."""

PROPAGATIONS: Final = frozenset({"rprivate", "private", "rshared", "shared", "rslave", "slave"})


@frozen(kw_only=True)
class Point:
    """``type`` is docker's: bind, volume, image or tmpfs. ``source`` is a path of the host, or the image's id; ``name`` the volume's, or the image's
    reference. ``mode`` are the words that the user said. ``options`` are further ones of mount(8), of tmpfs(5) for a tmpfs. ``anonymous``: nobody has
    named the volume, and it goes with the container that is removed with its volumes.
    """

    type: str
    target: str
    source: str = wire(default="", omit_empty=True)
    name: str = wire(default="", omit_empty=True)
    driver: str = wire(default="", omit_empty=True)
    mode: str = wire(default="", omit_empty=True)
    read_only: bool = wire(default=False, omit_empty=True)
    propagation: str = wire(default="", omit_empty=True)
    subpath: str = wire(default="", omit_empty=True)
    options: tuple[str, ...] = wire(default=(), omit_empty=True)
    anonymous: bool = wire(default=False, omit_empty=True)
    create_source: bool = wire(default=False, omit_empty=True)
    hidden: bool = wire(default=False, omit_empty=True)
    """Not among docker's mount points: ``--tmpfs``."""

    @property
    def placed(self) -> bool:
        """Whether its source is made below the exec root before each run."""
        return self.type == "image" or bool(self.subpath)


@frozen
class _Points:
    points: tuple[Point, ...]


def annotation(points: Iterable[Point]) -> Mapping[str, str]:
    """For the container's configuration; empty for a container that mounts nothing."""
    found = tuple(points)
    return {POINTS: json.dumps(dump(_Points(found)), separators=(",", ":"))} if found else {}


def points_of(config: ContainerConfig) -> tuple[Point, ...]:
    """What was decided; of a container that did not come over the API, what its configuration shows."""
    text = config.annotations.get(POINTS)
    if text is not None:
        return _read(text)
    return tuple(_shown(mount) for mount in config.mounts if isinstance(mount, BindMount))


@lru_cache(maxsize=1024)
def _read(text: str) -> tuple[Point, ...]:
    return read(_Points, json.loads(text)).points


def _shown(mount: BindMount) -> Point:
    return Point(
        type="bind",
        target=posixpath.normpath(mount.target),
        source=mount.source,
        mode=",".join(word for word in mount.options if word not in PROPAGATIONS),
        read_only="ro" in mount.options,
        propagation=next((word for word in mount.options if word in PROPAGATIONS), "rprivate"),
    )


def supervisor_mount(point: Point, source: str, *, mapped: bool = False) -> BindMount | TmpfsMount:
    """The same for the supervisor; ``source`` is where it is found when the container starts.

    ``mapped``: the container's users are others on the machine. In a volume the owners are those that containers see, whatever users they are for
    the machine: so containers that are remapped, others, and images can share it.
    """
    access = ("ro",) if point.read_only else ()
    if point.type == "tmpfs":
        return TmpfsMount(target=point.target, options=(*point.options, *access))
    propagation = (point.propagation,) if point.propagation else ()
    return BindMount(
        source=source,
        target=point.target,
        options=(*access, *point.options, *propagation, *(("idmap",) if mapped and point.type == "volume" else ())),
        create_source=point.create_source,
    )
