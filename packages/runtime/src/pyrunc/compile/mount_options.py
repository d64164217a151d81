"""The option words of mount(8) and of the runtime-spec, sorted into what the kernel's mount interfaces take them for."""

from __future__ import annotations

from collections.abc import Iterable

from pyrunc.compile.flags import (
    MOUNT_ATTR_ATIME,
    MOUNT_ATTR_NOATIME,
    MOUNT_ATTR_NODEV,
    MOUNT_ATTR_NODIRATIME,
    MOUNT_ATTR_NOEXEC,
    MOUNT_ATTR_NOSUID,
    MOUNT_ATTR_NOSYMFOLLOW,
    MOUNT_ATTR_RDONLY,
    MOUNT_ATTR_RELATIME,
    MOUNT_ATTR_STRICTATIME,
    PROPAGATION,
)
from pyrunc.model import define, field

Change = tuple[int, int]
"""Attributes to set, attributes to clear."""

ATTRIBUTES: dict[str, Change] = {
    "ro": (MOUNT_ATTR_RDONLY, 0),
    "rw": (0, MOUNT_ATTR_RDONLY),
    "nosuid": (MOUNT_ATTR_NOSUID, 0),
    "suid": (0, MOUNT_ATTR_NOSUID),
    "nodev": (MOUNT_ATTR_NODEV, 0),
    "dev": (0, MOUNT_ATTR_NODEV),
    "noexec": (MOUNT_ATTR_NOEXEC, 0),
    "exec": (0, MOUNT_ATTR_NOEXEC),
    "nosymfollow": (MOUNT_ATTR_NOSYMFOLLOW, 0),
    "symfollow": (0, MOUNT_ATTR_NOSYMFOLLOW),
    "nodiratime": (MOUNT_ATTR_NODIRATIME, 0),
    "diratime": (0, MOUNT_ATTR_NODIRATIME),
    # The access time settings are one field of three values, so setting one clears the others.
    "noatime": (MOUNT_ATTR_NOATIME, MOUNT_ATTR_ATIME),
    "atime": (MOUNT_ATTR_RELATIME, MOUNT_ATTR_ATIME),
    "relatime": (MOUNT_ATTR_RELATIME, MOUNT_ATTR_ATIME),
    "norelatime": (MOUNT_ATTR_RELATIME, MOUNT_ATTR_ATIME),
    "strictatime": (MOUNT_ATTR_STRICTATIME, MOUNT_ATTR_ATIME),
    "nostrictatime": (MOUNT_ATTR_RELATIME, MOUNT_ATTR_ATIME),
}
"""Words about the mount itself. Each has a recursive form with an ``r`` before it (``rro``), for bind mounts."""

REMOUNT_CLEARS = (
    MOUNT_ATTR_RDONLY
    | MOUNT_ATTR_NOSUID
    | MOUNT_ATTR_NODEV
    | MOUNT_ATTR_NOEXEC
    | MOUNT_ATTR_NODIRATIME
    | MOUNT_ATTR_NOSYMFOLLOW
)
"""What a remount takes off where it does not set it."""

# Of no meaning to the kernel, or (silent, loud) to this way of mounting.
_IGNORED = frozenset({"defaults", "silent", "loud", "auto", "noauto", "nofail", "_netdev", "user", "nouser"})

SUPERBLOCK = frozenset(
    {"sync", "async", "dirsync", "lazytime", "nolazytime", "mand", "nomand", "acl", "noacl", "iversion", "noiversion"}
)
"""Words about the whole file system, which a bind mount of it cannot change; runc passes over them there, too."""


@define(eq=False, repr=False)
class Options:
    """The words of one mount, sorted. ``parameters`` are the file system's own, in order."""

    set: int = 0
    clear: int = 0
    recursive_set: int = 0
    recursive_clear: int = 0
    propagation: int = 0
    recursive: bool = False
    copy_up: bool = False
    idmap: bool = False
    idmap_recursive: bool = False
    remount: bool = False
    parameters: list[str] = field(factory=list)


def sort_options(words: Iterable[str]) -> Options:
    """Sort ``words``; a later one overrides an earlier one."""
    options = Options()
    for word in words:
        if word in ATTRIBUTES:
            options.set, options.clear = _changed(options.set, options.clear, ATTRIBUTES[word])
        elif word in PROPAGATION:
            options.propagation = PROPAGATION[word]
        elif word[:1] == "r" and word[1:] in ATTRIBUTES:
            options.recursive_set, options.recursive_clear = _changed(
                options.recursive_set, options.recursive_clear, ATTRIBUTES[word[1:]]
            )
        else:
            _sort_other(options, word)
    return options


def _sort_other(options: Options, word: str) -> None:
    match word:
        case "bind" | "rbind":
            options.recursive = word == "rbind"
        case "tmpcopyup":
            options.copy_up = True
        case "idmap" | "ridmap":
            options.idmap = True
            options.idmap_recursive = word == "ridmap"
        case "remount":
            options.remount = True
        case _ if word not in _IGNORED and not word.startswith(("x-", "X-")):
            options.parameters.append(word)


def _changed(to_set: int, to_clear: int, change: Change) -> Change:
    add, remove = change
    return (to_set & ~remove) | add, (to_clear & ~add) | remove
