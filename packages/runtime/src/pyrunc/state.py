"""Who a container is and how it is: the state of the runtime specification (runtime.md, State), and what is kept to find it again."""

from __future__ import annotations

from collections.abc import Mapping

from pyrunc.errors import StateError
from pyrunc.jsontext import dumps, loads
from pyrunc.model import field, frozen
from pyrunc.processes import Identity, moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from typing import Any, Final

    from pyrunc.status import Status

RECORD_VERSION = 2
CREATING: Final = "creating"
CREATED: Final = "created"
RUNNING: Final = "running"
PAUSED: Final = "paused"
STOPPED: Final = "stopped"
"""The values of Status, for all that need no Status."""
_REMEDY = "delete the container with force to be rid of it"


@frozen(kw_only=True)
class State:
    """A container at one moment. ``pid`` is of the first process in the caller's pid namespace, 0 when it is stopped."""

    oci_version: str
    id: str
    status: Status
    pid: int
    bundle: Path
    rootfs: Path
    created: datetime
    annotations: Mapping[str, str] = field(factory=dict)
    owner: str = ""

    def to_json(self) -> dict[str, Any]:
        """The object that ``runc state`` prints: what the specification asks for, and ``rootfs``, ``created``, ``owner``."""
        document: dict[str, Any] = {
            "ociVersion": self.oci_version,
            "id": self.id,
            "pid": self.pid,
            "status": self.status.value,
            "bundle": str(self.bundle),
            "rootfs": str(self.rootfs),
            "created": rfc3339(self.created),
            "owner": self.owner,
        }
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        return document


def rfc3339(moment: datetime) -> str:
    """``2026-01-02T03:04:05.678901Z``."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


@frozen(kw_only=True)
class ProcessRecord:
    """What is kept of a process: who it is, who monitors it, and whether it has a terminal."""

    process: Identity
    monitor: Identity | None = None
    terminal: bool = False

    def to_json(self) -> dict[str, Any]:
        """For state.json."""
        document: dict[str, Any] = {"process": self.process.to_json(), "terminal": self.terminal}
        if self.monitor is not None:
            document["monitor"] = self.monitor.to_json()
        return document

    def encode(self) -> bytes:
        """As the bytes of an exec's state.json."""
        return dumps(self.to_json()).encode()

    @classmethod
    def decode(cls, content: bytes, file: str) -> ProcessRecord:
        """Raises StateError naming ``file``."""
        document = decode_object(content, file)
        try:
            return cls.from_json(document)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StateError(file, f"is damaged ({error!r}); {_REMEDY}") from error

    @classmethod
    def from_json(cls, document: Any) -> ProcessRecord:
        """Raises KeyError, TypeError, ValueError for anything that ``to_json`` did not write."""
        monitor = document.get("monitor")
        return cls(
            process=_identity(document["process"]),
            monitor=None if monitor is None else _identity(monitor),
            terminal=bool(document["terminal"]),
        )


@frozen(kw_only=True)
class Record:
    """state.json: what does not change from create to delete. How the container *is* is asked of the kernel each time.

    ``main`` is None as long as create has not succeeded. ``own_pids``: the container has a pid namespace of its own, so the end of its
    first process is the end of all. ``hooks``: there are some that the caller of start and delete must run. ``rdt``: groups of resctrl to be removed with the container.
    ``init`` and ``operations``: whether its plan had StayAsInit, and how long it was, so that a late failure can name its operation.
    """

    oci_version: str
    id: str
    bundle: str
    rootfs: str
    created_ns: int
    annotations: Mapping[str, str]
    cgroup: str
    unit: str = ""
    """Of systemd, if that made the cgroup."""
    own_pids: bool
    hooks: bool
    rdt: tuple[str, ...] = ()
    init: bool = False
    operations: int = 0
    main: ProcessRecord | None = None

    def state(self, status: str, pid: int) -> State:
        """What others are told of the container while it is in this status."""
        from pathlib import Path

        from pyrunc.status import Status

        return State(
            oci_version=self.oci_version,
            id=self.id,
            status=Status(status),
            pid=pid,
            bundle=Path(self.bundle),
            rootfs=Path(self.rootfs),
            created=moment(self.created_ns),
            annotations=self.annotations,
        )

    def encode(self) -> bytes:
        """As the bytes of state.json."""
        document = {
            "version": RECORD_VERSION,
            "ociVersion": self.oci_version,
            "id": self.id,
            "bundle": self.bundle,
            "rootfs": self.rootfs,
            "createdNs": self.created_ns,
            "annotations": dict(self.annotations),
            "cgroup": self.cgroup,
            "unit": self.unit,
            "ownPids": self.own_pids,
            "hooks": self.hooks,
            "rdt": self.rdt,
            "init": self.init,
            "operations": self.operations,
            "main": None if self.main is None else self.main.to_json(),
        }
        return dumps(document).encode()

    @classmethod
    def decode(cls, content: bytes, file: str) -> Record:
        """Raises StateError naming ``file``."""
        document = decode_object(content, file)
        if document.get("version") != RECORD_VERSION:
            raise StateError(file, f"has version {document.get('version')!r}, this pyrunc reads {RECORD_VERSION}")
        try:
            return cls(
                oci_version=str(document["ociVersion"]),
                id=str(document["id"]),
                bundle=str(document["bundle"]),
                rootfs=str(document["rootfs"]),
                created_ns=int(document["createdNs"]),
                annotations={str(key): str(value) for key, value in document["annotations"].items()},
                cgroup=str(document["cgroup"]),
                unit=str(document.get("unit", "")),
                own_pids=bool(document["ownPids"]),
                hooks=bool(document["hooks"]),
                rdt=tuple(str(directory) for directory in document["rdt"]),
                init=bool(document["init"]),
                operations=int(document["operations"]),
                main=None if document["main"] is None else ProcessRecord.from_json(document["main"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StateError(file, f"is damaged ({error!r}); {_REMEDY}") from error


def decode_object(content: bytes, file: str) -> dict[str, Any]:
    """A JSON object. Raises StateError naming ``file``."""
    try:
        document = loads(content)
    except ValueError as error:
        raise StateError(file, f"is damaged ({error}); {_REMEDY}") from error
    if not isinstance(document, dict):
        raise StateError(file, f"is damaged (no JSON object); {_REMEDY}")
    return document


def _identity(document: Any) -> Identity:
    return Identity(int(document["pid"]), int(document["startTime"]))
