"""What is remembered of a container and of an exec, whole."""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import frozen

from pycontainerd.containers.config import ContainerConfig, ExecConfig
from pycontainerd.containers.health import Health
from pycontainerd.containers.info import ContainerInfo, Status
from pycontainerd.metadata.namespace import DEFAULT


@frozen(kw_only=True)
class ContainerRecord:
    """A row of the table ``containers``. Times are nanoseconds since the epoch, 0 for never."""

    id: str
    name: str | None
    image_id: str
    config: ContainerConfig
    created_ns: int
    status: Status = Status.CREATED
    pid: int = 0
    exit_code: int = 0
    error: str = ""
    oom_killed: bool = False
    started_ns: int = 0
    finished_ns: int = 0
    restart_count: int = 0
    stopped_by_hand: bool = False
    """Somebody has ended its last run: a policy may take that into account."""
    health: Health | None = None
    namespace: str = DEFAULT

    def info(self) -> ContainerInfo:
        """The same for users."""
        return ContainerInfo(
            id=self.id,
            name=self.name,
            image_id=self.image_id,
            status=self.status,
            created_at=moment(self.created_ns),
            pid=self.pid,
            exit_code=self.exit_code,
            error=self.error,
            oom_killed=self.oom_killed,
            started_at=moment(self.started_ns) if self.started_ns else None,
            finished_at=moment(self.finished_ns) if self.finished_ns else None,
            restart_count=self.restart_count,
            health=self.health,
        )


@frozen(kw_only=True)
class ExecRecord:
    """A row of the table ``execs``. ``exit_code`` is None until it ended; ``started_ns`` 0 until it began."""

    id: str
    container_id: str
    config: ExecConfig
    created_ns: int
    started_ns: int = 0
    exit_code: int | None = None


def moment(ns: int) -> datetime:
    """Nanoseconds since the epoch as an aware datetime; microseconds are its finest."""
    return datetime.fromtimestamp(ns // 10**9, UTC).replace(microsecond=ns % 10**9 // 1000)
