"""Events about images, with docker's actions and attributes (moby's daemon/events)."""

from __future__ import annotations

from pycontainerd.events.event import Event
from pycontainerd.images.image import Image


def image_event(
    namespace: str, image: Image, action: str, *, actor: str | None = None, name: str | None = None
) -> Event:
    """``actor`` and ``name`` are the image's id, unless docker says something else for the action; its labels go along."""
    return Event(
        namespace=namespace,
        type="image",
        action=action,
        actor=actor or image.id,
        attributes={**image.config.labels, "name": name or image.id},
    )
