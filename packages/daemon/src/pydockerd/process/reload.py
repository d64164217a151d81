"""Reading the configuration again while the daemon runs (SIGHUP).

What dockerd takes over without a new start is taken over here: debug, labels, features, default-runtime, registries and how many layers go at once,
shutdown-timeout, authorization-plugins. A key that was removed has its default again. What needs a new start is named in the log. A file that is wrong
changes nothing. Source: dockerd(8), "Configuration reload behavior".
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from platform import node

from pydockerd import journal
from pydockerd.access.gate import Gate
from pydockerd.access.load import gate
from pydockerd.config.load import changed
from pydockerd.engine import Engine
from pydockerd.errors import StartupError
from pydockerd.process.notify import ServiceManager
from pydockerd.process.supervision import registry_config
from pydockerd.services.system import identity
from pydockerd.settings import Settings

logger = logging.getLogger("pydockerd")


class Reloader:
    """Reloads an engine's settings, one time after the other."""

    def __init__(self, engine: Engine, load: Callable[[], Settings], manager: ServiceManager) -> None:
        self._engine, self._load, self._manager = engine, load, manager
        self._one = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._replaced: list[Gate] = []
        """Whom requests in progress have asked, they will ask after: none is closed before the end."""

    def start(self) -> None:
        """Reload, in a task of its own."""
        task = asyncio.create_task(self.reload())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End what is in use by nobody any more. The engine's own gate is whoever made it's."""
        for replaced in self._replaced:
            await replaced.close()

    async def reload(self) -> None:
        """Read the flags and the file again, and take over what has changed. What is wrong with them is logged, and all stays as it was."""
        async with self._one:
            self._manager.reloading()
            try:
                await self._reload()
            finally:
                self._manager.ready()

    async def _reload(self) -> None:
        try:
            settings, later = changed(self._engine.settings, await asyncio.to_thread(self._load))
            await self._apply(settings)
        except StartupError as error:
            logger.error("the configuration is not reloaded: %s", error)
            return
        except Exception:
            logger.exception("the configuration is not reloaded")
            return
        logger.info("the configuration is reloaded")
        if later:
            logger.warning("changed, but not before the next start of the daemon: %s", ", ".join(later))
        await self._engine.supervisor.events.publish("daemon", "reload", identity(self._engine), attributes(settings))

    async def _apply(self, settings: Settings) -> None:
        engine = self._engine
        if settings.authorization_plugins != engine.settings.authorization_plugins:
            replaced, engine.gate = engine.gate, gate(settings.authorization_plugins)
            self._replaced.append(replaced)
        engine.settings = settings
        await engine.supervisor.registries.configure(registry_config(settings))
        journal.set_level(settings.level)


def attributes(settings: Settings) -> Mapping[str, str]:
    """What the event tells: dockerd's names, and its values as JSON."""
    return {
        "name": node(),
        "authorization-plugins": _json(settings.authorization_plugins),
        "debug": _json(settings.debug),
        "default-runtime": settings.defaults.runtime,
        "features": _json(dict(settings.features)),
        "insecure-registries": _json(settings.insecure_registries),
        "labels": _json(settings.labels),
        "live-restore": "true",
        "max-concurrent-downloads": str(settings.max_concurrent_downloads),
        "max-concurrent-uploads": str(settings.max_concurrent_uploads),
        "max-download-attempts": str(settings.max_download_attempts),
        "registry-mirrors": _json(settings.registry_mirrors),
        "runtimes": _json({"pyrunc": {"path": "pyrunc"}}),
        "shutdown-timeout": str(settings.shutdown_timeout),
    }


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
