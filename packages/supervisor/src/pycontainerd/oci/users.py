"""Who a container's process is: names are looked up in the container's own /etc/passwd and /etc/group."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from attrs import frozen

from pycontainerd.confined import open_in_root
from pycontainerd.errors import InvalidConfig

_MAX_FILE = 16 << 20


@frozen
class Account:
    """Ids inside the container. ``groups`` begin with the primary one (CVE-2022-36109); ``home`` is ``/`` for who has no entry."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    home: str = "/"


@frozen
class _User:
    name: str
    uid: int
    gid: int
    home: str


@frozen
class _Group:
    name: str
    gid: int
    members: tuple[str, ...]


def resolve(root: int, user: str, group_add: Iterable[str] = ()) -> Account:
    """The account of ``user`` - ``name``, ``uid``, ``name:group``, ``uid:gid`` or empty for root - in the file system ``root`` (a descriptor).

    A number needs no entry, a name does: InvalidConfig says which is missing. Entries that are damaged are passed over.
    """
    name, _, group = (user or "0").partition(":")
    found = _find_user(root, name or "0")
    groups = list(_read_groups(root))
    supplementary: list[int] = []
    if group:
        gid = _find_group(groups, group, "user")
    else:
        gid = found.gid
        supplementary = [entry.gid for entry in groups if found.name and found.name in entry.members]
    supplementary += [_find_group(groups, extra, "group_add") for extra in group_add]
    return Account(found.uid, gid, tuple(dict.fromkeys([gid, *supplementary])), found.home)


def _find_user(root: int, name: str) -> _User:
    number = _number(name)
    for entry in _read_users(root):
        if entry.name == name or entry.uid == number:
            return entry
    if number is None:
        raise InvalidConfig("user", f"unable to find user {name}: no matching entries in passwd file")
    return _User("", number, 0, "/")


def _find_group(groups: list[_Group], name: str, field: str) -> int:
    number = _number(name)
    for entry in groups:
        if entry.name == name or entry.gid == number:
            return entry.gid
    if number is None:
        raise InvalidConfig(field, f"unable to find group {name}: no matching entries in group file")
    return number


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and int(text) < 2**31 else None


def _read_users(root: int) -> Iterator[_User]:
    for fields in _entries(root, "etc/passwd", 6):
        uid, gid = _number(fields[2]), _number(fields[3])
        if uid is not None and gid is not None:
            yield _User(fields[0], uid, gid, fields[5] or "/")


def _read_groups(root: int) -> Iterator[_Group]:
    for fields in _entries(root, "etc/group", 3):
        gid = _number(fields[2])
        if gid is not None:
            members = fields[3].split(",") if len(fields) > 3 else ()
            yield _Group(fields[0], gid, tuple(member for member in members if member))


def _entries(root: int, path: str, least: int) -> Iterator[list[str]]:
    """The colon-separated lines of a file of the container, which is hostile: bounded, and never outside of ``root``."""
    try:
        fd = open_in_root(root, path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return
    with open(fd, "rb") as file:
        text = file.read(_MAX_FILE).decode("utf-8", "replace")
    for line in text.split("\n"):
        fields = line.strip().split(":")
        if len(fields) >= least and not line.startswith("#"):
            yield fields
