"""What a daemon's links and tables are called: so that several daemons live side by side, each with its own default bridge."""

from __future__ import annotations

import hashlib
import os
from typing import Final

from attrs import frozen

from pydockerd.settings import Settings

DEFAULT_LINK: Final = "pydocker0"
_TABLE: Final = "pydockerd"


@frozen
class Names:
    """``owner`` is the mark on our links, ``table`` our table of nftables, ``link`` the default bridge."""

    owner: str
    table: str
    link: str


def names_of(settings: Settings) -> Names:
    """The plain names for the daemon in the usual place; for another, a few digits of where it keeps its state."""
    place = os.path.abspath(settings.exec_root)
    owner = f"pydockerd {place}"
    usual = place == str(Settings().exec_root)
    digits = hashlib.sha256(os.fsencode(place)).hexdigest()[:8]
    bridge = settings.network.bridge if settings.network.bridge != "none" else ""
    return Names(
        owner, _TABLE if usual else f"{_TABLE}-{digits}", bridge or (DEFAULT_LINK if usual else f"pydock-{digits}")
    )
