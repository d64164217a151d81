"""What a container said, for those who ask later."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from pycontainerd.containers.config import ContainerConfig
from pycontainerd.containers.record import ContainerRecord
from pycontainerd.errors import InvalidConfig, Unsupported
from pycontainerd.logs.attributes import Subject
from pycontainerd.logs.buffered import Buffered, Way
from pycontainerd.logs.driver import Driver, driver
from pycontainerd.logs.intake import Intake
from pycontainerd.logs.notifier import Notifier
from pycontainerd.logs.reader import Query, read, read_blocks
from pycontainerd.logs.record import LogBatch, LogRecord
from pycontainerd.tasks.attachment import Chunk
from pycontainerd.tasks.channel import Channel
from pycontainerd.tasks.services import Services
from pycontainerd.tasks.stdio import Backlog

__all__ = ["Log", "Query", "check_driver"]

_T = TypeVar("_T")


def check_driver(config: ContainerConfig) -> None:
    """InvalidConfig for a driver or an option that does not exist, or has a wrong value."""
    _driver(config, "", "", "")


class Log:
    """The log of one container: writing and reading it, whatever its driver."""

    def __init__(self, services: Services, record: ContainerRecord) -> None:
        self._services = services
        self._id = record.id
        self._driver = _driver(record.config, record.id, record.name or "", record.image_id)

    @property
    def path(self) -> Path | None:
        """Its current file; None when nothing is kept."""
        return None if self._driver is None else self._services.home(self._id) / self._driver.file.format(id=self._id)

    def intake(self) -> Way | None:
        """The way in; None when nothing is to be kept."""
        path = self.path
        if self._driver is None or path is None:
            return None
        intake = Intake(self._services.bundle(self._id), path, self._driver.rotation, form=self._driver.form)
        return intake if self._driver.buffer is None else Buffered(intake, self._driver.buffer)

    def read(self, query: Query, notifier: Notifier | None = None) -> AsyncIterator[LogRecord]:
        """The records; see `pycontainerd.logs.reader`. Raises Unsupported when nothing was kept."""
        path, kept = self._readable()
        return read(path, query, notifier, form=kept.form)

    def read_blocks(
        self, query: Query, render: Callable[[list[LogBatch]], _T], notifier: Notifier | None = None
    ) -> AsyncGenerator[_T, None]:
        """The same in blocks, as ``render`` makes them. Raises Unsupported."""
        path, kept = self._readable()
        return read_blocks(path, query, render, notifier, form=kept.form)

    def backlog(self, *, stdout: bool, stderr: bool) -> Backlog:
        """For an attachment: what the log has at the moment that it is asked, and the lines that are not whole yet."""

        def ask(channel: Channel | None) -> AsyncIterator[Chunk]:
            way = channel.intake if channel is not None else None
            standing = way.standing() if way is not None else None
            return chunks(standing.size, standing.rest) if standing is not None else chunks(None, ())

        async def chunks(limit: int | None, tails: tuple[tuple[bool, bytes], ...]) -> AsyncIterator[Chunk]:
            if self._driver is not None:
                path, kept = self._readable()
                query = Query(stdout=stdout, stderr=stderr)
                async for batches in read_blocks(path, query, list, form=kept.form, limit=limit):
                    for batch in batches:
                        yield Chunk(batch.stream, batch.data)
            for is_stderr, tail in tails:
                if tail and (stderr if is_stderr else stdout):
                    yield Chunk("stderr" if is_stderr else "stdout", tail)

        return ask

    def _readable(self) -> tuple[Path, Driver]:
        path = self.path
        if self._driver is None or path is None:
            raise Unsupported("configured logging driver does not support reading")
        return path, self._driver


def _driver(config: ContainerConfig, id: str, name: str, image_id: str) -> Driver | None:
    subject = Subject(id=id, name=name, image=config.image, image_id=image_id, labels=config.labels, env=config.env)
    try:
        return driver(config.log, subject)
    except ValueError as error:
        field = "log.driver" if "no such log driver" in str(error) else "log.options"
        raise InvalidConfig(field, str(error)) from error
