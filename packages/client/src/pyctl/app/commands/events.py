"""``pyctl events``: what happens in the daemon, as it happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, cast

import attrs

from pyctl.app.commands.rendering import parsed
from pyctl.app.flags import value
from pyctl.app.format.gotemplate import Row, Value
from pyctl.app.format.gotemplate.values import to_json
from pyctl.app.format.times import rfc3339_nano
from pyctl.app.options.filters import Filter, collected, filter_
from pyctl.app.options.moments import moment
from pyctl.app.session import client
from pyctl.errors import CommandFailed, InvalidUsage, InvalidValue, TemplateError
from pyctl.models.system import Event

_GO_TYPE = "*events.Message"


@attrs.frozen(kw_only=True)
class EventFlags:
    """Which events, and how one is shown."""

    filter: Annotated[
        list[Filter],
        value("--filter", "-f", metavar="filter", help="Filter output based on conditions provided", read=filter_),
    ] = attrs.field(factory=list)
    format: Annotated[
        str | None, value("--format", help="Format output using a custom template: 'json' or a Go template")
    ] = None
    since: Annotated[str | None, value("--since", help="Show all events created since timestamp")] = None
    until: Annotated[str | None, value("--until", help="Stream events until this timestamp")] = None


def events(flags: EventFlags) -> None:
    """SystemEvents."""
    line = _line_of(flags.format)
    now = time.time()
    since, until = _moment(flags.since, now), _moment(flags.until, now)
    for event in client().system.events(since=since, until=until, filters=collected(flags.filter)):
        print(line(event), flush=True)


def _moment(text: str | None, now: float) -> str | None:
    try:
        return moment(text, now) if text else None
    except InvalidValue as error:
        raise InvalidUsage(str(error)) from error


def _line_of(format: str | None) -> Callable[[Event], str]:
    if not format:
        return _plain
    if format == "json":
        return lambda event: to_json(cast(Value, event.document))
    template = parsed(format, prefix="Error parsing format: ")
    try:
        # Before anything happens: a field that does not exist should not wait for the first event to be reported.
        template.render(_row(Event(document={})))
    except TemplateError as error:
        raise CommandFailed(f"Error parsing format: {error}", 64) from error
    return lambda event: template.render(_row(event))


def _plain(event: Event) -> str:
    attributes = ", ".join(f"{name}={text}" for name, text in sorted(event.actor.attributes.items()))
    head = f"{rfc3339_nano(event.time_nano or event.time * 10**9)} {event.type} {event.action} {event.actor.id}"
    return f"{head} ({attributes})" if attributes else head


def _row(event: Event) -> Row:
    attributes = cast(Value, event.actor.attributes)
    columns: dict[str, Value] = {
        # What the API called them before 1.52.
        "Status": event.action,
        "ID": event.actor.id,
        "From": event.actor.attributes.get("image", ""),
        "Type": event.type,
        "Action": event.action,
        "Actor": {"ID": event.actor.id, "Attributes": attributes},
        "Scope": event.scope,
        "Time": event.time,
        "TimeNano": event.time_nano,
    }
    return Row(_GO_TYPE, columns, document=cast(Value, event.document))
