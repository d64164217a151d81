"""One container asked for over the Engine API: by the docker CLI, and by requests on an open connection."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from benchmarks import engines
from benchmarks.commands import timer
from benchmarks.engines import IMAGE, Api, Engine
from benchmarks.measure import Comparison, Contender, NotComparable, timed
from benchmarks.stage import Stage

_NAMES = ("pydockerd", "dockerd")
_BODY = {"Image": IMAGE, "Cmd": ["true"], "HostConfig": {"NetworkMode": "none"}}
_NOTES = (
    "dockerd runs with `--bridge none --iptables=false`, so that it leaves the machine's network alone.",
    "Both daemons have one image, a static busybox, and keep their data on the same file system.",
)


@contextmanager
def docker_run(stage: Stage) -> Iterator[Comparison]:
    """``docker run --rm --network none IMAGE true``, the same docker CLI in front of both."""
    docker = shutil.which("docker") or "docker"
    with ExitStack() as stack:
        contenders = []
        for name in _NAMES:
            engine = entered(stack, stage, name, "run")
            if isinstance(engine, NotComparable):
                contenders.append(Contender(name, refusal(engine)))
                continue
            started = stack.enter_context(timer(engine.environment()))
            contenders.append(Contender(name, started.times(docker, "run", "--rm", "--network", "none", IMAGE, "true")))
        bare = stack.enter_context(timer())
        contenders.append(Contender("docker --version", bare.times(docker, "--version")))
        yield Comparison(
            "docker-run",
            "`docker run --rm --network none busybox true`",
            tuple(contenders),
            targets={"dockerd": 1 / 4},
            notes=(*_NOTES, "`docker --version` asks no daemon: it is what the docker CLI takes to start."),
        )


@contextmanager
def api(stage: Stage) -> Iterator[Comparison]:
    """Create, start, wait and delete as four requests on one open connection."""
    with ExitStack() as stack:
        contenders = []
        for name in _NAMES:
            engine = entered(stack, stage, name, "api")
            if isinstance(engine, NotComparable):
                contenders.append(Contender(name, refusal(engine)))
                continue
            connection = engine.connect()
            stack.callback(connection.connection.close)
            contenders.append(Contender(name, _lifecycle(connection)))
        yield Comparison(
            "api", "create, start, wait, delete over the socket", tuple(contenders), {"dockerd": 1 / 8}, _NOTES
        )


def entered(stack: ExitStack, stage: Stage, name: str, purpose: str) -> Engine | NotComparable:
    """The daemon ``name``, started until ``stack`` is closed, or why it cannot be."""
    start = {"pydockerd": engines.pydockerd, "dockerd": engines.dockerd}[name]
    try:
        return stack.enter_context(start(stage.directory / f"{name}-{purpose}", f"{stage.name}-{purpose}-{name}"))
    except NotComparable as reason:
        return reason


def refusal(reason: NotComparable) -> Callable[[], float]:
    """For a Contender that cannot be."""

    def once() -> float:
        raise reason

    return once


def _lifecycle(connection: Api) -> Callable[[], float]:
    return lambda: timed(lambda: _once(connection))


def _once(connection: Api) -> None:
    made = connection.request("POST", "/containers/create", _BODY)
    path = f"/containers/{made['Id']}"
    connection.request("POST", f"{path}/start")
    ended = connection.request("POST", f"{path}/wait")
    connection.request("DELETE", path)
    assert ended["StatusCode"] == 0, ended
