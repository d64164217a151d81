"""The headers of every answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydockerd import __version__
from pydockerd.journal import request_id
from pydockerd.settings import Settings
from pydockerd.versions import NEWEST

REQUEST_ID: Final = "X-Request-ID"
"""Our own: what the request is called in the log. A client may choose it."""


def headers(settings: Settings) -> Mapping[str, str]:
    """For the request that is being served."""
    return {
        "Api-Version": str(NEWEST),
        "Docker-Experimental": "true" if settings.experimental else "false",
        "Ostype": "linux",
        "Server": f"pydockerd/{__version__} (linux)",
        REQUEST_ID: request_id.get(),
    }
