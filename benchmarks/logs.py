"""100 MB of lines through a container's log, and out of it again: by the docker CLI, and by requests on an open connection."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.commands import timer
from benchmarks.daemons import entered, refusal
from benchmarks.engines import IMAGE, Api, Engine
from benchmarks.measure import Comparison, Contender, NotComparable, timed
from benchmarks.stage import Stage

SIZE = 100_000_000
_LINE = b"2026-01-02T03:04:05 INFO an ordinary line of a log, with some hundred bytes in it and a number, %08d\n"
_NAMES = ("pydockerd", "dockerd")
_DRIVERS = {"pydockerd": ("json-file", "local"), "dockerd": ("json-file", "local")}
_NOTE = (
    f"{SIZE // 1_000_000} MB in lines of {len(_LINE % 0)} bytes; both daemons keep their data on the same file system."
)
_numbers = count(1)


@contextmanager
def writing(stage: Stage) -> Iterator[Comparison]:
    """From the start of a container that copies a file to its output until its end, when all of it is in the log."""
    source = _source(stage)
    with ExitStack() as stack:
        contenders = []
        for name in _NAMES:
            engine = entered(stack, stage, name, "write")
            for driver in _DRIVERS[name]:
                label = f"{name} {driver}"
                if isinstance(engine, NotComparable):
                    contenders.append(Contender(label, refusal(engine)))
                    continue
                connection = engine.connect()
                stack.callback(connection.connection.close)
                contenders.append(Contender(label, _writes(connection, source, driver)))
        yield Comparison(
            "logs-write",
            "100 MB of output into the log, to the container's end",
            tuple(contenders),
            targets={"dockerd json-file": 1 / 3},
            notes=(_NOTE, "The container runs `cat`; starting and ending it is in the time."),
        )


@contextmanager
def reading(stage: Stage) -> Iterator[Comparison]:
    """``docker logs`` of 100 MB to /dev/null, the same docker CLI in front of both."""
    source = _source(stage)
    docker = shutil.which("docker") or "docker"
    with ExitStack() as stack:
        contenders = []
        for name in _NAMES:
            engine = entered(stack, stage, name, "read")
            if isinstance(engine, NotComparable):
                contenders.append(Contender(name, refusal(engine)))
                continue
            said = stack.enter_context(_container(engine, source))
            started = stack.enter_context(timer(engine.environment()))
            contenders.append(Contender(name, started.times(docker, "logs", said)))
        yield Comparison("logs-read", "`docker logs` of 100 MB", tuple(contenders), {"dockerd": 1 / 5}, (_NOTE,))


@contextmanager
def api(stage: Stage) -> Iterator[Comparison]:
    """The same over the socket, without what the docker CLI does with it."""
    source = _source(stage)
    with ExitStack() as stack:
        contenders = []
        for name in _NAMES:
            engine = entered(stack, stage, name, "logs-api")
            if isinstance(engine, NotComparable):
                contenders.append(Contender(name, refusal(engine)))
                continue
            said = stack.enter_context(_container(engine, source))
            connection = engine.connect()
            stack.callback(connection.connection.close)
            contenders.append(Contender(name, _reads(connection, said)))
        yield Comparison("logs-api", "100 MB of log over the socket", tuple(contenders), {"dockerd": 1 / 5}, (_NOTE,))


def _source(stage: Stage) -> Path:
    path = stage.directory / "lines"
    if not path.exists():
        lines = SIZE // len(_LINE % 0)
        path.write_bytes(b"".join(_LINE % number for number in range(lines)))
    return path


def _create(connection: Api, source: Path, driver: str) -> str:
    host: dict[str, Any] = {"NetworkMode": "none", "Binds": [f"{source}:/lines:ro"], "LogConfig": {"Type": driver}}
    body = {"Image": IMAGE, "Cmd": ["/bin/busybox", "cat", "/lines"], "HostConfig": host}
    return str(connection.request("POST", f"/containers/create?name=bench-{next(_numbers)}", body)["Id"])


def _run(connection: Api, container: str) -> None:
    connection.request("POST", f"/containers/{container}/start")
    ended = connection.request("POST", f"/containers/{container}/wait")
    assert ended["StatusCode"] == 0, ended


def _writes(connection: Api, source: Path, driver: str) -> Callable[[], float]:
    def once() -> float:
        container = _create(connection, source, driver)
        seconds = timed(lambda: _run(connection, container))
        connection.request("DELETE", f"/containers/{container}")
        return seconds

    return once


@contextmanager
def _container(engine: Engine, source: Path) -> Iterator[str]:
    """One that has said it all."""
    connection = engine.connect()
    try:
        container = _create(connection, source, "json-file")
        _run(connection, container)
        yield container
        connection.request("DELETE", f"/containers/{container}")
    finally:
        connection.connection.close()


def _reads(connection: Api, container: str) -> Callable[[], float]:
    def once() -> float:
        return timed(lambda: connection.swallow(f"/containers/{container}/logs?stdout=1&stderr=1", SIZE * 9 // 10))

    return once
