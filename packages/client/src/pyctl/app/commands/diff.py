"""``pyctl diff``: what a container has changed of its image's files."""

from __future__ import annotations

from typing import Final

from pyctl.app.flags import Name
from pyctl.app.session import client
from pyctl.errors import InvalidUsage

_KINDS: Final = "CAD"


def diff(container: Name) -> None:
    """ContainerChanges."""
    if not container:
        raise InvalidUsage("Container name cannot be empty")
    print(
        "".join(f"{_KINDS[change.kind]} {change.path}\n" for change in client().containers.changes(container)), end=""
    )
