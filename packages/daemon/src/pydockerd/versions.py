"""Which versions of the Engine API are spoken, and how a path says which one it wants.

Source: the section "Versioning" of the Engine API's document.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pydockerd.errors import BadRequest

_PREFIX = re.compile(r"^/v([0-9]{1,6})\.([0-9]{1,6})(?=/|$)")


class ApiVersion(NamedTuple):
    """A version such as 1.41; compares as numbers, not as text."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


NEWEST = ApiVersion(1, 56)
OLDEST = ApiVersion(1, 24)


def split_path(path: str) -> tuple[ApiVersion, str]:
    """Take the version prefix off ``path``; a path without one wants the newest.

    Raises BadRequest, with docker's words, for a version out of range.
    """
    found = _PREFIX.match(path)
    if found is None:
        return NEWEST, path
    version = ApiVersion(int(found[1]), int(found[2]))
    if version > NEWEST:
        raise BadRequest(f"client version {version} is too new. Maximum supported API version is {NEWEST}")
    if version < OLDEST:
        raise BadRequest(
            f"client version {version} is too old. Minimum supported API version is {OLDEST}, "
            "please upgrade your client to a newer version"
        )
    return version, path[found.end() :] or "/"
