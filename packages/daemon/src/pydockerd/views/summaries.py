"""Lists of containers as they are sent: what has not changed since the last list is not made again.

Clients ask for lists all the time, and of thousands of containers hardly one has changed. So each one's line is kept as the bytes that were sent, but for
its ``Status``, which tells how long ago something was.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from attrs import define, field, frozen

from pycontainerd.containers.config import ContainerConfig
from pycontainerd.containers.info import ContainerInfo
from pydockerd.models.wire import dump
from pydockerd.views.container import ContainerFacts, summary
from pydockerd.views.network import Connection
from pydockerd.views.status import status_text

_SPARE = 64
"""Lines of containers that are gone which are kept before they are looked for."""


@frozen
class _Line:
    """What was seen, and what was made of it; both the configuration and the state are other objects when they are others."""

    config: ContainerConfig
    info: ContainerInfo
    connections: tuple[Connection, ...]
    health: bool
    before: bytes
    after: bytes

    def shows(self, facts: ContainerFacts, *, health: bool) -> bool:
        return (
            self.info is facts.info
            and self.config is facts.config
            and self.health is health
            and self.connections == facts.connections
        )


@define
class Summaries:
    """The lines of one daemon's lists, by container."""

    _lines: dict[str, _Line] = field(factory=dict)

    def document(self, shown: Sequence[ContainerFacts], now: datetime, *, health: bool) -> bytes:
        """``GET /containers/json`` of these. Fit for a thread."""
        lines = [self._line(facts, now, health=health) for facts in shown]
        if len(self._lines) > 2 * len(shown) + _SPARE:
            self._lines = {facts.info.id: self._lines[facts.info.id] for facts in shown if facts.info.id in self._lines}
        return b"[" + b",".join(lines) + b"]\n"

    def _line(self, facts: ContainerFacts, now: datetime, *, health: bool) -> bytes:
        known = self._lines.get(facts.info.id)
        if known is None or facts.sizes is not None or not known.shows(facts, health=health):
            known = _made(facts, now, health=health)
            if facts.sizes is None:
                self._lines[facts.info.id] = known
        return known.before + _encoded(status_text(facts.info, now)) + known.after


def _made(facts: ContainerFacts, now: datetime, *, health: bool) -> _Line:
    document = list(dump(summary(facts, now, health=health)).items())
    place = [name for name, _ in document].index("Status")
    before, after = _encoded(dict(document[:place])), _encoded(dict(document[place + 1 :]))
    return _Line(facts.config, facts.info, facts.connections, health, before[:-1] + b',"Status":', b"," + after[1:])


def _encoded(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
