"""Ids and names of containers."""

from __future__ import annotations

import re
import secrets

from pycontainerd.errors import InvalidConfig, InvalidName

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_ID = re.compile(r"[0-9a-f]{64}")


def new_id() -> str:
    """64 hexadecimal digits, not all decimal in the first twelve, so that a short id is never taken for a number."""
    while (made := secrets.token_hex(32))[:12].isdecimal():
        pass
    return made


def is_id(text: str) -> bool:
    """Whether it has the form of one."""
    return _ID.fullmatch(text) is not None


def check_id(id: str) -> str:
    """InvalidConfig unless it is one."""
    if not is_id(id):
        raise InvalidConfig("id", f"expected 64 hexadecimal digits, got {id!r}")
    return id


def check_name(name: str) -> str:
    """The name without the slash that docker puts in front. InvalidName, in dockerd's words."""
    plain = name.removeprefix("/")
    if _NAME.fullmatch(plain) is None:
        raise InvalidName(f"Invalid container name ({plain}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")
    return plain
