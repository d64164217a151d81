"""How far a pull or a push is."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from attrs import frozen


class Step(StrEnum):
    """What happens, or has happened, to a layer; RESOLVED and DONE are about the image, and their ``id`` is the digest of its manifest."""

    RESOLVED = "resolved"
    WAITING = "waiting"
    EXISTS = "exists"
    DOWNLOADING = "downloading"
    DOWNLOADED = "downloaded"
    EXTRACTING = "extracting"
    EXTRACTED = "extracted"
    PREPARING = "preparing"
    PUSHING = "pushing"
    MOUNTED = "mounted"
    PUSHED = "pushed"
    DONE = "done"


@frozen
class Progress:
    """One step. ``id`` is the digest of the layer (for a push, of the plain one: the diff id); ``current`` of ``total`` bytes are done."""

    step: Step
    id: str
    current: int = 0
    total: int = 0
    detail: str = ""
    """For MOUNTED the repository, for DONE the tag."""


Report = Callable[[Progress], None]
"""Called on the event loop, often: it must be quick. What it raises ends the pull."""


def silent(progress: Progress) -> None:
    """Nobody wants to know."""
