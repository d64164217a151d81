"""What a container said, for those who ask later."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from pycontainerd.containers.config import ContainerConfig
from pycontainerd.errors import InvalidConfig, Unsupported
from pycontainerd.logs.intake import Intake
from pycontainerd.logs.reader import Query, read
from pycontainerd.logs.rotation import Rotation
from pycontainerd.tasks.attachment import Chunk
from pycontainerd.tasks.channel import Channel
from pycontainerd.tasks.services import Services
from pycontainerd.tasks.stdio import Backlog

__all__ = ["Query", "backlog", "check_driver", "check_readable", "intake", "log_path", "read"]

_OPTIONS = {"json-file": {"max-size", "max-file", "labels", "env", "tag"}, "none": set[str]()}


def check_driver(config: ContainerConfig) -> None:
    """InvalidConfig for a driver or an option that does not exist."""
    log = config.log
    if log.driver not in _OPTIONS:
        raise InvalidConfig(
            "log.driver", f"no such log driver: {log.driver!r}, choose one of {', '.join(sorted(_OPTIONS))}"
        )
    for option in log.options:
        if option not in _OPTIONS[log.driver]:
            raise InvalidConfig("log.options", f"unknown log opt {option!r} for {log.driver} log driver")
    if log.driver == "json-file":
        try:
            Rotation.of(log.options)
        except ValueError as error:
            raise InvalidConfig("log.options", str(error)) from error


def check_readable(config: ContainerConfig) -> None:
    """Unsupported when nothing was kept."""
    if config.log.driver == "none":
        raise Unsupported("configured logging driver does not support reading")


def log_path(services: Services, id: str) -> Path:
    """Where the log is: docker's name for it."""
    return services.home(id) / f"{id}-json.log"


def intake(services: Services, id: str, config: ContainerConfig) -> Intake | None:
    """The way into the log; None when nothing is to be kept."""
    if config.log.driver == "none":
        return None
    return Intake(services.bundle(id), log_path(services, id), Rotation.of(config.log.options))


def backlog(log: Path, *, stdout: bool, stderr: bool) -> Backlog:
    """For an attachment: what the log has at the moment that it is asked, and the lines that are not whole yet."""

    def ask(channel: Channel | None) -> AsyncIterator[Chunk]:
        way = channel.intake if channel is not None else None
        tails = [(False, way.unfinished(False)), (True, way.unfinished(True))] if way is not None else []
        return chunks(way.log_size if way is not None else None, tails)

    async def chunks(limit: int | None, tails: list[tuple[bool, bytes]]) -> AsyncIterator[Chunk]:
        async for record in read(log, Query(stdout=stdout, stderr=stderr), limit=limit):
            yield Chunk(record.stream, record.data)
        for is_stderr, tail in tails:
            if tail and (stderr if is_stderr else stdout):
                yield Chunk("stderr" if is_stderr else "stdout", tail)

    return ask
