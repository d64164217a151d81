"""Readings of a container's counters, one a second, for as long as it runs and somebody listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from pycontainerd import Container
from pycontainerd.errors import NotRunning
from pydockerd.host import machine
from pydockerd.models.wire import timestamp
from pydockerd.translate.namespaces import MANAGED
from pydockerd.views import stats as views

INTERVAL = 1.0


async def readings(container: Container, *, stream: bool, one_shot: bool) -> AsyncIterator[dict[str, Any]]:
    """Documents of :mod:`pydockerd.views.stats`.

    Without ``stream`` there is one; it follows a first reading of a second before, unless ``one_shot`` asks for no wait.
    """
    name = container.name or ""
    before: views.Reading | None = None
    while True:
        reading = await _read(container)
        if reading is None:
            yield views.stopped(id=container.id, name=name)
        elif stream or one_shot or before is not None:
            yield views.document(reading, before, id=container.id, name=name)
        if not stream and (reading is None or one_shot or before is not None):
            return
        before = reading
        await asyncio.sleep(INTERVAL)


async def _read(container: Container) -> views.Reading | None:
    if not container.info().running:
        return None
    try:
        stats = await container.stats()
    except NotRunning:
        return None
    return views.Reading(
        time=timestamp(datetime.now(UTC)),
        stats=stats,
        system_ns=machine.cpu_time_ns(),
        memory_total=machine.memory_total(),
        interfaces=machine.interfaces(container.info().pid) if container.config.network == MANAGED else {},
    )
