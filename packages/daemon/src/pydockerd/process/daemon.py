"""The life of the daemon: take the data root, open the supervisor, listen, serve until a signal, and leave the containers running.

Stopping is graceful: nobody new is let in, who follows something gets his end, and requests in progress may go on for ``--shutdown-timeout``
seconds. See :mod:`pydockerd.process.signals` for who asks twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from aiohttp import web

from pydockerd.access.load import gate
from pydockerd.app import application
from pydockerd.engine import Engine
from pydockerd.process import signals
from pydockerd.process.doors import Door, doors
from pydockerd.process.lock import data_root_lock
from pydockerd.process.notify import ServiceManager
from pydockerd.process.opening import opened_engine
from pydockerd.process.pidfile import pidfile
from pydockerd.process.reload import Reloader
from pydockerd.process.sockets import BACKLOG
from pydockerd.services.logs import check_log_options
from pydockerd.settings import Settings

logger = logging.getLogger("pydockerd")

_READ_BUFFER: Final = 512 << 10
"""Bytes of an upload that may wait; twice as many before its sender does."""

_CLOSING_SECONDS: Final = 0.5
"""For what was sent already to leave, once no request is waited for any more."""


def run(settings: Settings, load: Callable[[], Settings]) -> None:
    """Serve until SIGTERM or SIGINT; ``load`` reads the settings again. Raises StartupError when something is in the way."""
    settings.exec_root.mkdir(parents=True, exist_ok=True, mode=0o711)
    with data_root_lock(settings.data_root), pidfile(settings.pidfile), doors(settings) as opened:
        asyncio.run(serve(settings, load, opened))


async def serve(settings: Settings, load: Callable[[], Settings], opened: Sequence[Door]) -> None:
    """Serve at the doors until SIGTERM or SIGINT."""
    stopping, manager = signals.Stopping(), ServiceManager()
    check_log_options(settings.defaults)
    # before the supervisor is opened: without them nothing may be done
    asked = gate(settings.authorization_plugins)
    async with opened_engine(settings) as engine, contextlib.AsyncExitStack() as stack:
        engine.gate = asked
        reloader = Reloader(engine, load, manager)
        signals.install(asyncio.get_running_loop(), stopping, reloader.start, settings.exec_root)
        if settings.metrics_addr:
            from pydockerd.process.metrics import measuring  # a library, for who asks for it

            await stack.enter_async_context(measuring(engine, settings.metrics_addr))
        async with _serving(engine, opened) as runner:
            logger.info("API listens on %s", ", ".join(map(str, opened)))
            manager.ready()
            await stopping.asked.wait()
            manager.stopping()
            logger.info("stopping; the containers go on running")
            await _finish(engine, runner, stopping)
        await reloader.close()
        await engine.gate.close()


@contextlib.asynccontextmanager
async def _serving(engine: Engine, opened: Sequence[Door]) -> AsyncIterator[web.AppRunner]:
    runner = web.AppRunner(
        application(engine),
        handler_cancellation=True,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=_CLOSING_SECONDS,
        read_bufsize=_READ_BUFFER,
    )
    await runner.setup()
    try:
        for door in opened:
            await web.SockSite(runner, door.listener, backlog=BACKLOG, ssl_context=door.context).start()
        yield runner
    finally:
        await runner.cleanup()


async def _finish(engine: Engine, runner: web.AppRunner, stopping: signals.Stopping) -> None:
    """Let nobody in any more, end what is followed, and wait for the rest, but not longer than is configured, nor when that is asked for again."""
    for site in list(runner.sites):
        await site.stop()
    engine.requests.end()
    seconds = engine.settings.shutdown_timeout
    idle = asyncio.create_task(engine.requests.ended(None if seconds < 0 else seconds))
    hurried = asyncio.create_task(stopping.hurried.wait())
    await asyncio.wait({idle, hurried}, return_when=asyncio.FIRST_COMPLETED)
    for task in (idle, hurried):
        task.cancel()
    await asyncio.gather(idle, hurried, return_exceptions=True)
    if len(engine.requests):
        logger.warning("%d requests are not finished: their connections are closed", len(engine.requests))
