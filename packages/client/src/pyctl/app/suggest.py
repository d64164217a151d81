"""What somebody may have meant: names of commands, flags, containers and images that are nearly what was typed.

Only added to a message, never acted on: a guess that removes a container is none that anybody wants.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyctl.client import Client
    from pyctl.errors import PyctlError

_ALIKE: Final = 0.7
_MISSING: Final = re.compile(r"No such (?P<kind>container|image): (?P<name>\S+)")


def alike(word: str, known: Iterable[str]) -> list[str]:
    """Up to three that are nearly the same, the best first."""
    import difflib

    return difflib.get_close_matches(word, sorted(set(known)), n=3, cutoff=_ALIKE)


def question(word: str, known: Iterable[str], before: str = "") -> str:
    """A paragraph for a message; empty when nothing is like it. ``before`` is put in front of each."""
    found = alike(word, known)
    return "".join(["\n\nDid you mean", *(f"\n\t{before}{name}" for name in found)]) if found else ""


def existing(error: PyctlError, client: Client) -> str:
    """The same for a container or an image that is not there, asked of the daemon. Only for people: a script reads docker's words."""
    missing = _MISSING.search(str(error))
    if missing is None or not sys.stderr.isatty():
        return ""
    from pyctl.errors import PyctlError

    try:
        if missing["kind"] == "container":
            known = [name.removeprefix("/") for found in client.containers.list(all=True) for name in found.names]
        else:
            known = [tag for found in client.images.list() for tag in found.repo_tags]
            known += [tag.removesuffix(":latest") for tag in known]
    except PyctlError:
        return ""
    return question(missing["name"], known)
