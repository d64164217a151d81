"""Events of the supervisor as the API's messages, and which of them a client wants."""

from __future__ import annotations

from pycontainerd.events.event import Event
from pydockerd.filters import Filters, has_label
from pydockerd.models.system import Actor, EventMessage
from pydockerd.versions import ApiVersion

FILTERS = (
    "config", "container", "daemon", "event", "image", "label", "network", "node", "plugin", "scope", "secret", "service",
    "type", "volume",
)  # fmt: skip
_TYPED = ("config", "container", "daemon", "network", "node", "plugin", "secret", "service", "volume")


def message(event: Event, version: ApiVersion) -> EventMessage:
    """Source: definition EventMessage, with the fields that dockerd sent beside it up to 1.51."""
    old = version < (1, 52) and event.type in {"container", "image"}
    return EventMessage(
        old_status=event.action if old else "",
        old_id=event.actor if old else "",
        old_from=event.attributes.get("image", "") if old and event.type == "container" else "",
        type=event.type,
        action=event.action,
        actor=Actor(id=event.actor, attributes=event.attributes),
        time=event.time_ns // 10**9,
        time_nano=event.time_ns,
    )


def wanted(event: Event, filters: Filters) -> bool:
    """docker's rules: filters of different names must all pass, those of one name are alternatives, labels must all be there."""
    return (
        filters.one_of("type", event.type)
        and filters.one_of("scope", "local")
        and _action(event, filters.get("event"))
        and all(not filters.get(kind) or _is(event, kind, filters.get(kind)) for kind in _TYPED)
        and (not filters.get("image") or _of_image(event, filters.get("image")))
        and all(has_label(event.attributes, label) for label in filters.get("label"))
    )


def _action(event: Event, actions: tuple[str, ...]) -> bool:
    """``exec_start`` also means ``exec_start: sh``."""
    return not actions or event.action in actions or event.action.partition(":")[0] in actions


def _is(event: Event, kind: str, references: tuple[str, ...]) -> bool:
    if event.type != kind:
        return False
    return any(_names(event, reference.removeprefix("/")) for reference in references)


def _names(event: Event, reference: str) -> bool:
    return event.attributes.get("name") == reference or bool(reference and event.actor.startswith(reference))


def _of_image(event: Event, references: tuple[str, ...]) -> bool:
    """The image itself, or a container made of it, by name with or without its tag."""
    if event.type not in {"image", "container"}:
        return False
    name = event.attributes.get("name" if event.type == "image" else "image", "")
    known = {name, _untagged(name), f"{_untagged(name)}:latest" if name == _untagged(name) else name}
    return any(
        reference in known or (event.type == "image" and event.actor.startswith(reference)) for reference in references
    )


def _untagged(reference: str) -> str:
    head, slash, last = reference.rpartition("/")
    return head + slash + last.partition(":")[0]
