"""`AsyncClient`: what `pyctl.Client` is, to be awaited.

    async with AsyncClient() as client:
        for container in await client.containers.list(all=True):
            print(container.id, container.state)
        async for event in client.system.events():
            print(event.type, event.action)

The same names, parameters and errors. The work is done by the blocking client in threads, so that there is one way to speak HTTP and not two.
"""

from __future__ import annotations

from pyctl.aio.client import AsyncClient
from pyctl.aio.streams import AsyncHijacked, AsyncPendingWait, AsyncStream

__all__ = ["AsyncClient", "AsyncHijacked", "AsyncPendingWait", "AsyncStream"]
