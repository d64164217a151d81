"""Mounts: ``-v`` words, ``--mount`` objects, ``--tmpfs`` options and ``--volumes-from`` to what is wanted, by docker's rules and in its words.

Pure: which volume and which directory that becomes is decided in `pydockerd.services.mounts`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Final

from attrs import evolve, field, frozen

from pydockerd.errors import BadRequest
from pydockerd.models.create import CreateRequest
from pydockerd.models.mount import Mount
from pydockerd.volumes.point import PROPAGATIONS, Point

_ACCESS = frozenset({"ro", "rw"})
_LABELS = frozenset({"z", "Z"})
_CONSISTENCY = frozenset({"consistent", "cached", "delegated", "default"})
_COPY = frozenset({"nocopy"})
_GROUPS = (_ACCESS, _LABELS, _CONSISTENCY, _COPY, PROPAGATIONS)
_TMPFS_DEFAULTS = ("noexec", "nosuid", "nodev")
USUAL_MODE: Final = "z"
"""What docker notes for a volume with which no mode was said."""


@frozen(kw_only=True)
class Wanted:
    """One mount that was asked for. ``point`` has what is known of it without looking at the machine; for a volume, ``copy`` its image's files into it if
    it is empty, and make it by ``driver``, ``options`` and ``labels`` if it is not there.
    """

    point: Point
    copy: bool = True
    driver: str = ""
    options: Mapping[str, str] = field(factory=dict)
    labels: Mapping[str, str] = field(factory=dict)


def wanted_mounts(request: CreateRequest) -> tuple[Wanted, ...]:
    """Those that were asked for one by one. Raises BadRequest, also for a target that is named twice."""
    host = request.host
    found = [bind(word, host.volume_driver) for word in host.binds or ()]
    found += [mount(each) for each in host.mounts]
    found += [_tmpfs(target, words) for target, words in host.tmpfs.items()]
    _refuse_duplicates(found)
    return tuple(found)


def anonymous(targets: Iterable[str], taken: Iterable[str], driver: str = "") -> tuple[Wanted, ...]:
    """The volumes that an image, or ``-v /target``, has made wherever nothing else is mounted. Raises BadRequest."""
    covered = {posixpath.normpath(target) for target in taken}
    found = []
    for target in targets:
        check_target(target)
        place = posixpath.normpath(target)
        if place not in covered:
            covered.add(place)
            found.append(Wanted(point=Point(type="volume", target=place, anonymous=True), driver=driver))
    return tuple(found)


def volumes_from(word: str) -> tuple[str, str]:
    """``container[:mode]`` as the container and its mode. Raises BadRequest."""
    reference, colon, mode = word.partition(":")
    if not reference:
        raise BadRequest("volumes-from specification cannot be an empty string")
    words = mode.split(",") if colon else []
    allowed = _ACCESS | _LABELS | _CONSISTENCY
    if not set(words) <= allowed or any(len(set(words) & group) > 1 for group in _GROUPS):
        raise BadRequest(f"invalid mode: {mode}")
    return reference, mode


def borrowed(point: Point, mode: str) -> Point:
    """The mount of another container, for one that has its volumes: never writable where that one's is not."""
    words = mode.split(",")
    return evolve(point, read_only=point.read_only or "ro" in words, mode=mode or point.mode)


def bind(word: str, driver: str = "") -> Wanted:
    """``[source:]target[:mode]``, as ``docker run -v`` sends it: the source is a path of the host or the name of a volume."""
    try:
        return _bind(word, driver)
    except _Wrong as error:
        found = f"invalid volume specification: '{word}': invalid mount config for type \"{error.kind}\": {error}"
        raise BadRequest(found) from None


class _Wrong(BadRequest):
    """What parts of a word say cannot be; ``kind`` is the type of the mount."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def _bind(word: str, driver: str) -> Wanted:
    parts = word.split(":")
    if not 1 <= len(parts) <= 3 or not all(parts) or (len(parts) == 2 and _is_mode(parts[1])):
        raise BadRequest(f"invalid volume specification: '{word}'")
    source, target = (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])
    mode = parts[2] if len(parts) == 3 else ""
    words = _mode_words(mode)
    kind = "bind" if source.startswith("/") else "volume"
    try:
        check_target(target)
    except BadRequest as error:
        raise _Wrong(kind, str(error)) from None
    point = Point(
        type=kind,
        target=posixpath.normpath(target),
        mode=mode,
        read_only="ro" in words,
    )
    propagation = next((word for word in words if word in PROPAGATIONS), "")
    if point.type == "volume":
        if propagation:
            raise _Wrong(kind, "field BindOptions must not be specified")
        if not source:
            return Wanted(point=evolve(point, anonymous=True), copy="nocopy" not in words, driver=driver)
        named = evolve(point, name=source, mode=mode or USUAL_MODE)
        return Wanted(point=named, copy="nocopy" not in words, driver=driver)
    if "nocopy" in words:
        raise _Wrong(kind, "field VolumeOptions must not be specified")
    options = ("rro",) if point.read_only else ()
    propagation = propagation or "rprivate"
    return Wanted(point=evolve(point, source=source, propagation=propagation, options=options, create_source=True))


def _is_mode(text: str) -> bool:
    try:
        _mode_words(text)
    except BadRequest:
        return False
    return True


def _mode_words(mode: str) -> tuple[str, ...]:
    if not mode:
        return ()
    words = mode.split(",")
    groups = [[word for word in words if word in group] for group in _GROUPS]
    if sum(map(len, groups)) != len(words) or any(len(group) > 1 for group in groups):
        raise BadRequest(f"invalid mode: {mode}")
    return tuple(words)


def mount(said: Mount) -> Wanted:
    """An object of ``--mount``."""
    try:
        check_target(said.target)
        make = {"bind": _bind_object, "volume": _volume_object, "tmpfs": _tmpfs_object, "image": _image_object}
        if said.type not in make:
            raise BadRequest("mount type unknown")
        return make[said.type](evolve(said, target=posixpath.normpath(said.target)))
    except BadRequest as error:
        raise BadRequest(f'invalid mount config for type "{said.type}": {error}') from None


def _bind_object(said: Mount) -> Wanted:
    if not said.source:
        raise BadRequest("field Source must not be empty")
    _refuse(said, "VolumeOptions", "TmpfsOptions", "ImageOptions")
    if not said.source.startswith("/"):
        raise BadRequest(f"invalid mount path: '{said.source}' mount path must be absolute")
    options, asked = list[str](), said.bind_options
    propagation = (asked.propagation if asked is not None else "") or "rprivate"
    if propagation not in PROPAGATIONS:
        raise BadRequest(f"invalid propagation mode: {propagation}")
    if asked is not None and asked.read_only_force_recursive and (asked.read_only_non_recursive or not said.read_only):
        raise BadRequest("mount options conflict: ReadOnlyForceRecursive needs ReadOnly, and not ReadOnlyNonRecursive")
    if asked is not None and asked.non_recursive:
        options.append("bind")
    if said.read_only and not (asked is not None and asked.read_only_non_recursive):
        options.append("rro")
    return Wanted(
        point=Point(
            type="bind",
            target=said.target,
            source=said.source,
            read_only=said.read_only,
            propagation=propagation,
            options=tuple(options),
            create_source=asked is not None and asked.create_mountpoint,
        )
    )


def _volume_object(said: Mount) -> Wanted:
    _refuse(said, "BindOptions", "TmpfsOptions", "ImageOptions")
    asked = said.volume_options
    if not said.source and said.read_only:
        raise BadRequest("must not set ReadOnly mode when using anonymous volumes")
    subpath = asked.subpath if asked is not None else ""
    if subpath:
        if not said.source:
            raise BadRequest("must not set Subpath when using anonymous volumes")
        check_subpath(subpath, "volume")
    driver = asked.driver_config if asked is not None else None
    return Wanted(
        point=Point(
            type="volume",
            target=said.target,
            name=said.source,
            mode=USUAL_MODE,
            read_only=said.read_only,
            subpath=subpath,
            anonymous=not said.source,
        ),
        copy=not (asked is not None and asked.no_copy) and not subpath,
        driver=driver.name if driver is not None else "",
        options=driver.options if driver is not None else {},
        labels=asked.labels if asked is not None else {},
    )


def _image_object(said: Mount) -> Wanted:
    if not said.source:
        raise BadRequest("field Source must not be empty")
    _refuse(said, "BindOptions", "VolumeOptions", "TmpfsOptions")
    subpath = said.image_options.subpath if said.image_options is not None else ""
    if subpath:
        check_subpath(subpath, "image")
    return Wanted(
        point=Point(type="image", target=said.target, name=said.source, read_only=True, subpath=subpath), copy=False
    )


def _tmpfs_object(said: Mount) -> Wanted:
    _refuse(said, "BindOptions", "VolumeOptions", "ImageOptions")
    if said.source:
        raise BadRequest("field Source must not be specified")
    options: list[str] = list(_TMPFS_DEFAULTS)
    if said.tmpfs_options is not None:
        if said.tmpfs_options.size_bytes:
            options.append(f"size={said.tmpfs_options.size_bytes}")
        if said.tmpfs_options.mode:
            options.append(f"mode={said.tmpfs_options.mode:o}")
        options += ["=".join(pair) for pair in said.tmpfs_options.options]
    point = Point(type="tmpfs", target=said.target, read_only=said.read_only, options=tuple(options))
    return Wanted(point=point, copy=False)


def _tmpfs(target: str, words: str) -> Wanted:
    check_target(target)
    options = (*_TMPFS_DEFAULTS, *(word for word in words.split(",") if word))
    point = Point(type="tmpfs", target=posixpath.normpath(target), options=options, hidden=True)
    return Wanted(point=point, copy=False)


def _refuse(said: Mount, *fields: str) -> None:
    present = {
        "BindOptions": said.bind_options,
        "VolumeOptions": said.volume_options,
        "ImageOptions": said.image_options,
        "TmpfsOptions": said.tmpfs_options,
    }
    for name in fields:
        if present[name] is not None:
            raise BadRequest(f"field {name} must not be specified")


def check_subpath(subpath: str, kind: str) -> None:
    """Raises BadRequest for one that is not below where it begins (Go's filepath.IsLocal)."""
    if subpath.startswith("/") or posixpath.normpath(subpath).split("/")[0] == "..":
        raise BadRequest(f"subpath must be a relative path within the {kind}")


def check_target(target: str) -> None:
    """Raises BadRequest for what is no place in a container."""
    if not target:
        raise BadRequest("field Target must not be empty")
    if not target.startswith("/"):
        raise BadRequest(f"invalid mount path: '{target}' mount path must be absolute")
    if posixpath.normpath(target) == "/":
        raise BadRequest("invalid specification: destination can't be '/'")


def _refuse_duplicates(found: Iterable[Wanted]) -> None:
    seen: set[str] = set()
    for each in found:
        if each.point.target in seen:
            raise BadRequest(f"Duplicate mount point: {each.point.target}")
        seen.add(each.point.target)
