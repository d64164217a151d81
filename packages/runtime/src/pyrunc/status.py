"""What a container can be. Imported for who asks for a State: making and running one goes by the plain names, without enum."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """runtime.md, State, ``status``; ``paused`` is what all runtimes add to it."""

    CREATING = "creating"
    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
