"""What a volume is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

from attrs import field, frozen

from pydockerd.errors import BadRequest

LOCAL: Final = "local"
ANONYMOUS: Final = "com.docker.volume.anonymous"
"""The label that marks a volume nobody has named."""

_VALID: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_LONGEST: Final = 255


class State(StrEnum):
    """What is to become of it, as it is written down."""

    READY = "ready"
    PENDING = "pending"
    """Made for a container that is just being made; without that container it goes again."""
    LEAVING = "leaving"
    """It goes with the container that it was made for."""
    REMOVING = "removing"
    """It goes, whatever happens."""


@frozen(kw_only=True)
class Volume:
    """``path`` is what a container mounts; ``options`` are those of docker's local driver; ``made_for`` the id of a container, or empty."""

    name: str
    path: Path
    options: Mapping[str, str] = field(factory=dict)
    labels: Mapping[str, str] = field(factory=dict)
    created_ns: int
    state: State = State.READY
    made_for: str = ""

    @property
    def anonymous(self) -> bool:
        """Whether it goes when it is pruned without ``all``."""
        return ANONYMOUS in self.labels

    @property
    def mounted(self) -> bool:
        """Whether its data are elsewhere, and mounted here while somebody uses it."""
        return bool(self.options.get("type"))


def check_name(name: str) -> None:
    """Raises BadRequest in docker's words."""
    if len(name) < 2:
        raise BadRequest(
            f"create {name}: volume name is too short, names should be at least two alphanumeric characters"
        )
    if not _VALID.fullmatch(name):
        raise BadRequest(
            f'create {name}: "{name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. '
            "If you intended to pass a host directory, use absolute path"
        )
    if len(name) > _LONGEST:
        raise BadRequest(f'create {name}: "{name}" is too long for a volume name, at most {_LONGEST} characters')
