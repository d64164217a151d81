"""Events about containers, with docker's attributes."""

from __future__ import annotations

from pycontainerd.containers.record import ContainerRecord
from pycontainerd.events.event import Event


def container_event(record: ContainerRecord, action: str, **attributes: str) -> Event:
    """An event of the container: its labels, its image's name and its own, and what ``action`` adds."""
    known = {**record.config.labels, "image": record.config.image, "name": record.name or ""}
    return Event(
        namespace=record.namespace,
        type="container",
        action=action,
        actor=record.id,
        attributes={**known, **attributes},
    )
