"""The headers of every answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydockerd import __version__
from pydockerd.versions import NEWEST

HEADERS: Final[Mapping[str, str]] = {
    "Api-Version": str(NEWEST),
    "Docker-Experimental": "false",
    "Ostype": "linux",
    "Server": f"pydockerd/{__version__} (linux)",
}
