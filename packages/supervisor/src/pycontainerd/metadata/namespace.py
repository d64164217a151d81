"""Names of namespaces."""

from __future__ import annotations

import re
from typing import Final

from pycontainerd.errors import InvalidName

DEFAULT: Final = "default"
"""The namespace of who asks for none, and of everything that was there before there were namespaces."""

_NAME = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
_LONGEST = 76


def check_namespace(name: str) -> str:
    """The name. InvalidName for what containerd (identifiers.Validate) would refuse, too."""
    if len(name) > _LONGEST or not _NAME.fullmatch(name):
        raise InvalidName(
            f"Invalid namespace ({name}): letters and digits, and . _ - between them, at most {_LONGEST} in all"
        )
    return name
