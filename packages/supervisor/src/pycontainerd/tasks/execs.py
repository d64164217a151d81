"""The execs of one container."""

from __future__ import annotations

import builtins
import secrets
import sqlite3
from collections.abc import Callable

import pyrunc
from pycontainerd.containers import store
from pycontainerd.containers.config import ExecConfig
from pycontainerd.containers.record import ContainerRecord, ExecRecord
from pycontainerd.errors import ExecNotFound, InvalidConfig
from pycontainerd.tasks import launch
from pycontainerd.tasks.exec import Exec
from pycontainerd.tasks.services import Services

_REMEMBERED = 300 * 10**9
"""Nanoseconds for which the exit code of an exec can be asked, counted from its start, at least; dockerd keeps it for five minutes."""


class Execs:
    """Made, found, and in time forgotten."""

    def __init__(
        self, services: Services, container: Callable[[], ContainerRecord], process: Callable[[], pyrunc.Container]
    ) -> None:
        self._services = services
        self._container = container
        self._process = process
        self._execs: dict[str, Exec] = {}

    def list(self) -> list[Exec]:
        """Oldest first."""
        return list(self._execs.values())

    def get(self, exec_id: str) -> Exec:
        """Raises ExecNotFound."""
        if exec_id not in self._execs:
            raise ExecNotFound(exec_id)
        return self._execs[exec_id]

    async def create(self, config: ExecConfig) -> Exec:
        """Prepare one. InvalidConfig when it has no command."""
        if not config.args:
            raise InvalidConfig("args", "No exec command specified")
        record = ExecRecord(
            id=secrets.token_hex(32), container_id=self._container().id, config=config, created_ns=launch.now()
        )
        forgotten = self._forget_old()

        def write(connection: sqlite3.Connection) -> None:
            store.delete_execs(connection, forgotten)
            store.save_exec(connection, record)

        await self._services.database.write(write)
        return self._add(record)

    async def forget(self, exec_id: str) -> None:
        """One that has ended, and that nobody will ask for; a health check has too many to keep them all for a while."""
        if self._execs.pop(exec_id, None) is not None:
            await self._services.database.write(lambda connection: store.delete_execs(connection, [exec_id]))

    async def adopt(self, container: pyrunc.Container) -> None:
        """Find again those that another supervisor knew; those that it had not started can still be started."""
        records = await self._services.database.read(
            lambda connection: store.load_execs(connection, self._container().id)
        )
        running = {process.id: process for process in await self._services.worker.run(container.execs)}
        for record in records:
            found = self._add(record)
            if record.id in running:
                await found.take_over(running[record.id])
            elif record.started_ns and record.exit_code is None:
                await found.container_ended()

    async def container_ended(self) -> None:
        """They ended with it."""
        for each in self.list():  # a health check makes and forgets some meanwhile
            await each.container_ended()

    async def close(self) -> None:
        """Let go of them."""
        for each in self.list():
            await each.close()

    def _add(self, record: ExecRecord) -> Exec:
        self._execs[record.id] = made = Exec(self._services, self._container, record, self._process)
        return made

    def _forget_old(self) -> builtins.list[str]:
        before = launch.now() - _REMEMBERED
        old = [
            exec_id
            for exec_id, each in self._execs.items()
            if each.record.exit_code is not None and each.record.started_ns < before
        ]
        for exec_id in old:
            del self._execs[exec_id]
        return old
