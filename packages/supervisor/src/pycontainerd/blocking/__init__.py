"""The supervisor for programs without an event loop: the same names, and every call returns when it is done.

::

    from pycontainerd import ContainerConfig
    from pycontainerd.blocking import Supervisor

    with Supervisor("/srv/containers") as supervisor:
        container = supervisor.containers.create(ContainerConfig(image="host", args=("echo", "hi")))
        container.start()
        print(container.wait().code)

Behind it is the asynchronous supervisor, on a thread of its own; nothing is written twice. Values (configurations, states, events, errors)
are those of ``pycontainerd``. Any thread may call, several at once; Ctrl-C in a call ends the waiting, and what was begun is finished.
"""

from __future__ import annotations

from pycontainerd.blocking.attachment import Attachment
from pycontainerd.blocking.container import Container
from pycontainerd.blocking.containers import Containers
from pycontainerd.blocking.events import Events
from pycontainerd.blocking.exec import Exec
from pycontainerd.blocking.faults import Faults, Killing
from pycontainerd.blocking.images import Images
from pycontainerd.blocking.leases import LeaseManager
from pycontainerd.blocking.namespace import Namespace
from pycontainerd.blocking.registries import Registries
from pycontainerd.blocking.supervisor import Supervisor

__all__ = [
    "Attachment",
    "Container",
    "Containers",
    "Events",
    "Exec",
    "Faults",
    "Images",
    "Killing",
    "LeaseManager",
    "Namespace",
    "Registries",
    "Supervisor",
]
