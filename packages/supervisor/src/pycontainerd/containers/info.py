"""What a container is like right now: snapshots of its state, as values."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from attrs import frozen

from pycontainerd.containers.health import Health


class Status(StrEnum):
    """docker's words for where a container is in its life."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    """It has ended, and its restart policy will start it again in a moment."""
    EXITED = "exited"
    REMOVING = "removing"
    DEAD = "dead"


@frozen(kw_only=True)
class ExitStatus:
    """How a process ended: ``code`` is 0..255 with 128+n for a signal n; ``error`` is set when its end was not seen or it never started."""

    code: int
    exited_at: datetime
    oom_killed: bool = False
    error: str = ""


@frozen(kw_only=True)
class ContainerInfo:
    """The state of a container at one instant. Times are aware (UTC); ``pid`` is the host's, 0 when it does not run."""

    id: str
    name: str | None
    image_id: str
    status: Status
    created_at: datetime
    pid: int = 0
    exit_code: int = 0
    error: str = ""
    oom_killed: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    restart_count: int = 0
    health: Health | None = None
    """None without a health check."""

    @property
    def running(self) -> bool:
        """Whether it has processes (a paused container has)."""
        return self.status in {Status.RUNNING, Status.PAUSED}


@frozen(kw_only=True)
class ExecInfo:
    """The state of an exec: ``exit_code`` is None until it ended, ``pid`` 0 when it does not run."""

    id: str
    container_id: str
    running: bool
    pid: int = 0
    exit_code: int | None = None
    can_remove: bool = False


@frozen(kw_only=True)
class ProcessInfo:
    """One process of a container, as ps(1) on the host sees it. Fields are those of ``ps -ef``."""

    user: str
    pid: int
    ppid: int
    cpu: int
    start: datetime
    tty: str
    cpu_seconds: float
    command: str
