"""One user's view of a store that several share."""

from __future__ import annotations

from pycontainerd import namespaces as asynchronous
from pycontainerd.blocking.containers import Containers
from pycontainerd.blocking.events import Events
from pycontainerd.blocking.images import Images
from pycontainerd.blocking.leases import LeaseManager
from pycontainerd.blocking.loop import LoopThread


class Namespace:
    """See `pycontainerd.Namespace`."""

    def __init__(self, loop: LoopThread, namespace: asynchronous.Namespace) -> None:
        self.name = namespace.name
        self.images = Images(loop, namespace.images)
        self.containers = Containers(loop, namespace.containers)
        self.events = Events(loop, namespace.events)
        self.leases = LeaseManager(loop, namespace.leases)
        self.content = namespace.content  # blocks as it is, and may be called from any thread
