"""The life of the daemon: take the data root, open the supervisor, listen, serve until a signal, and leave the containers running."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Sequence

from aiohttp import web

from pydockerd.app import application
from pydockerd.process.lock import data_root_lock
from pydockerd.process.opening import opened_engine
from pydockerd.process.pidfile import pidfile
from pydockerd.process.sockets import BACKLOG, address_path, listen
from pydockerd.settings import Settings

logger = logging.getLogger("pydockerd")

SHUTDOWN_SECONDS = 5.0
"""How long requests may go on after the signal; then their connections are closed."""


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises StartupError when something is in the way."""
    paths = [address_path(host) for host in settings.hosts]
    settings.exec_root.mkdir(parents=True, exist_ok=True, mode=0o711)
    with data_root_lock(settings.data_root), pidfile(settings.pidfile), contextlib.ExitStack() as stack:
        sockets = []
        for path in paths:
            sockets.append(stack.enter_context(contextlib.closing(listen(path, settings.group))))
            stack.callback(path.unlink, missing_ok=True)
        asyncio.run(serve(settings, sockets))


async def serve(settings: Settings, sockets: Sequence[socket.socket]) -> None:
    """Serve on ``sockets`` until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with opened_engine(settings) as engine:
        runner = web.AppRunner(
            application(engine),
            handler_cancellation=True,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=SHUTDOWN_SECONDS,
        )
        await runner.setup()
        try:
            for listener in sockets:
                await web.SockSite(runner, listener, backlog=BACKLOG).start()
            logger.info("API listens on %s", ", ".join(settings.hosts))
            await stopped.wait()
            logger.info("stopping; the containers go on running")
        finally:
            await runner.cleanup()
