"""Mounts: ``-v`` words, ``--mount`` objects and ``--tmpfs`` options to bind and tmpfs mounts.

Named and anonymous volumes are not served yet and are refused, never silently replaced by something that loses data.
"""

from __future__ import annotations

import posixpath

from pycontainerd.containers.config import BindMount, TmpfsMount
from pydockerd.errors import BadRequest, NotServed
from pydockerd.models.create import CreateRequest
from pydockerd.models.mount import Mount

PROPAGATIONS = frozenset({"rprivate", "private", "rshared", "shared", "rslave", "slave"})
_ACCESS = frozenset({"ro", "rw"})
_IGNORED = frozenset({"z", "Z", "nocopy", "consistent", "cached", "delegated", "default"})
_TMPFS_DEFAULTS = ("noexec", "nosuid", "nodev")


def mounts(request: CreateRequest) -> tuple[BindMount | TmpfsMount, ...]:
    """All mounts that were asked for, shallow targets before those below them. Raises BadRequest, or NotServed for volumes."""
    host = request.host
    if request.config.volumes or host.volumes_from:
        raise NotServed("volumes are not implemented by pydockerd yet: bind a directory of the host (-v /path:/path)")
    found: list[BindMount | TmpfsMount] = [bind(word) for word in host.binds or ()]
    found += [_mount(mount) for mount in host.mounts]
    found += [_tmpfs(target, words) for target, words in host.tmpfs.items()]
    _refuse_duplicates(found)
    return tuple(sorted(found, key=lambda mount: posixpath.normpath(mount.target).count("/")))


def bind(word: str) -> BindMount:
    """``source:target[:mode]``, as ``docker run -v`` sends it."""
    parts = word.split(":")
    if not 1 <= len(parts) <= 3 or not all(parts):
        raise BadRequest(f"invalid volume specification: '{word}'")
    if len(parts) == 1 or not parts[0].startswith("/"):
        raise NotServed(
            f"volumes are not implemented by pydockerd yet: '{word}' names one; bind a directory of the host by its absolute path"
        )
    source, target = parts[0], parts[1]
    try:
        _check_target(target)
        options = _mode_words(parts[2]) if len(parts) == 3 else ()
    except BadRequest as error:
        raise BadRequest(f"invalid volume specification: '{word}': {error}") from None
    return BindMount(source=source, target=target, options=(*options, *_propagation(options)), create_source=True)


def _mode_words(mode: str) -> tuple[str, ...]:
    words = mode.split(",")
    known = [word for word in words if word in _ACCESS or word in PROPAGATIONS]
    access = [word for word in known if word in _ACCESS]
    if len(access) > 1 or len(known) - len(access) > 1 or not set(words) <= _ACCESS | PROPAGATIONS | _IGNORED:
        raise BadRequest(f"invalid mode: {mode}")
    return tuple(known)


def _propagation(options: tuple[str, ...]) -> tuple[str, ...]:
    return () if PROPAGATIONS & set(options) else ("rprivate",)


def _mount(mount: Mount) -> BindMount | TmpfsMount:
    try:
        _check_target(mount.target)
        match mount.type:
            case "bind":
                return _bind_object(mount)
            case "tmpfs":
                return _tmpfs_object(mount)
            case "volume" | "image" | "cluster":
                raise NotServed(f'mounts of type "{mount.type}" are not implemented by pydockerd yet: {mount.target}')
            case _:
                raise BadRequest("mount type unknown")
    except BadRequest as error:
        raise BadRequest(f'invalid mount config for type "{mount.type}": {error}') from None


def _bind_object(mount: Mount) -> BindMount:
    if not mount.source:
        raise BadRequest("field Source must not be empty")
    if not mount.source.startswith("/"):
        raise BadRequest(f"invalid mount path: '{mount.source}' mount path must be absolute")
    if mount.tmpfs_options is not None:
        raise BadRequest("field TmpfsOptions must not be specified")
    options: list[str] = ["ro"] if mount.read_only else []
    said = mount.bind_options
    if said is not None and said.non_recursive:
        options.append("bind")
    propagation = (said.propagation if said is not None else "") or "rprivate"
    if propagation not in PROPAGATIONS:
        raise BadRequest(f"invalid propagation mode: {propagation}")
    return BindMount(
        source=mount.source,
        target=mount.target,
        options=(*options, propagation),
        create_source=said is not None and said.create_mountpoint,
    )


def _tmpfs_object(mount: Mount) -> TmpfsMount:
    if mount.source:
        raise BadRequest("field Source must not be specified")
    options: list[str] = list(_TMPFS_DEFAULTS)
    if mount.read_only:
        options.append("ro")
    if mount.tmpfs_options is not None:
        if mount.tmpfs_options.size_bytes:
            options.append(f"size={mount.tmpfs_options.size_bytes}")
        if mount.tmpfs_options.mode:
            options.append(f"mode={mount.tmpfs_options.mode:o}")
        options += ["=".join(pair) for pair in mount.tmpfs_options.options]
    return TmpfsMount(target=mount.target, options=tuple(options))


def _tmpfs(target: str, words: str) -> TmpfsMount:
    _check_target(target)
    return TmpfsMount(target=target, options=(*_TMPFS_DEFAULTS, *(word for word in words.split(",") if word)))


def _check_target(target: str) -> None:
    if not target:
        raise BadRequest("field Target must not be empty")
    if not target.startswith("/"):
        raise BadRequest(f"invalid mount path: '{target}' mount path must be absolute")
    if posixpath.normpath(target) == "/":
        raise BadRequest("invalid specification: destination can't be '/'")


def _refuse_duplicates(found: list[BindMount | TmpfsMount]) -> None:
    seen: set[str] = set()
    for mount in found:
        target = posixpath.normpath(mount.target)
        if target in seen:
            raise BadRequest(f"Duplicate mount point: {mount.target}")
        seen.add(target)
