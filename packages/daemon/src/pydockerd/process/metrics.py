"""The metrics over HTTP: ``GET /metrics`` at ``--metrics-addr``, for Prometheus."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web
from prometheus_client.exposition import choose_encoder

from pydockerd.config.checks import tcp_address
from pydockerd.engine import Engine
from pydockerd.metrics.collected import Collected
from pydockerd.process.sockets import listen_tcp

_PORT: Final = 9323
"""dockerd's documentation uses it."""
logger = logging.getLogger("pydockerd.metrics")


@contextlib.asynccontextmanager
async def measuring(engine: Engine, address: str) -> AsyncIterator[None]:
    """Measure the engine and serve what is found, inside. StartupError when nobody can listen there."""
    collected = Collected(engine)
    engine.meter = collected
    counting = asyncio.create_task(_count(engine, collected))
    runner = web.AppRunner(_application(collected), access_log=None, handle_signals=False, shutdown_timeout=0.5)
    try:
        await runner.setup()
        listeners = listen_tcp(f"--metrics-addr {address}", *tcp_address(address, _PORT))
        for listener in listeners:
            await web.SockSite(runner, listener).start()
        host, port = listeners[0].getsockname()[:2]
        logger.info("metrics are at http://%s:%d/metrics", f"[{host}]" if ":" in host else host, port)
        yield
    finally:
        await runner.cleanup()
        counting.cancel()
        await asyncio.gather(counting, return_exceptions=True)
        collected.close()


def _application(collected: Collected) -> web.Application:
    async def metrics(request: web.Request) -> web.Response:
        # the states of containers are in memory: nothing here waits
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(collected.registry), headers={"Content-Type": content_type})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    return app


async def _count(engine: Engine, collected: Collected) -> None:
    async for _ in engine.supervisor.events.subscribe():
        collected.event()
