"""pycontainerd: images, snapshots, tasks and events, to embed.

``Supervisor`` is the way in; everything else is reached from it, or is a value that it takes or gives.
"""

from __future__ import annotations

from pycontainerd.containers.config import (
    BindMount,
    ContainerConfig,
    Device,
    ExecConfig,
    IdMapping,
    Resources,
    TmpfsMount,
    Ulimit,
)
from pycontainerd.containers.health import Health, HealthCheck, HealthResult
from pycontainerd.containers.info import ContainerInfo, ExecInfo, ExitStatus, ProcessInfo, Status
from pycontainerd.containers.mounting import MountProvider
from pycontainerd.containers.networking import NetworkProvider, NetworkSubject
from pycontainerd.containers.restart import RestartPolicy
from pycontainerd.diff.apply import UnpackLimits
from pycontainerd.diff.change import Change, ChangeKind
from pycontainerd.errors import SupervisorError
from pycontainerd.events.event import Event
from pycontainerd.events.events import Events
from pycontainerd.events.filter import EventFilter
from pycontainerd.faults import Faults, Killing
from pycontainerd.gc.collector import Collected
from pycontainerd.images.image import Image, Removed
from pycontainerd.images.images import Images
from pycontainerd.images.progress import Progress, Step
from pycontainerd.images.remote import Registries, RemoteImage
from pycontainerd.leases.info import LeaseInfo
from pycontainerd.leases.manager import LeaseManager
from pycontainerd.leases.resource import LeaseResource
from pycontainerd.logs.config import LogConfig
from pycontainerd.logs.record import LogBatch, LogRecord
from pycontainerd.namespaces import Namespace
from pycontainerd.registry.config import RegistryConfig
from pycontainerd.registry.credentials import Credentials
from pycontainerd.registry.search import SearchResult
from pycontainerd.supervisor import Supervisor
from pycontainerd.tasks.archive import PathStat
from pycontainerd.tasks.attachment import Attachment, Chunk
from pycontainerd.tasks.checkpoints import CheckpointOptions
from pycontainerd.tasks.container import Container
from pycontainerd.tasks.containers import Containers
from pycontainerd.tasks.exec import Exec
from pyrunc import Stats

__all__ = [
    "Attachment",
    "BindMount",
    "Change",
    "ChangeKind",
    "CheckpointOptions",
    "Chunk",
    "Collected",
    "Container",
    "ContainerConfig",
    "ContainerInfo",
    "Containers",
    "Credentials",
    "Device",
    "Event",
    "EventFilter",
    "Events",
    "Exec",
    "ExecConfig",
    "ExecInfo",
    "ExitStatus",
    "Faults",
    "Health",
    "HealthCheck",
    "HealthResult",
    "IdMapping",
    "Image",
    "Images",
    "Killing",
    "LeaseInfo",
    "LeaseManager",
    "LeaseResource",
    "LogBatch",
    "LogConfig",
    "LogRecord",
    "MountProvider",
    "Namespace",
    "NetworkProvider",
    "NetworkSubject",
    "PathStat",
    "ProcessInfo",
    "Progress",
    "Registries",
    "RegistryConfig",
    "RemoteImage",
    "Removed",
    "Resources",
    "RestartPolicy",
    "SearchResult",
    "Stats",
    "Status",
    "Step",
    "Supervisor",
    "SupervisorError",
    "TmpfsMount",
    "Ulimit",
    "UnpackLimits",
]
