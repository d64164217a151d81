"""Bytes through the daemon, over the socket: the output and the input of execs and attached containers, archives out and in."""

from __future__ import annotations

import io
import json
import shutil
import socket
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from benchmarks.commands import timer
from benchmarks.crowds import SLEEPER, remove, start
from benchmarks.daemons import entered, refusal
from benchmarks.engines import IMAGE, Api, Engine
from benchmarks.measure import Comparison, Contender, NotComparable, timed
from benchmarks.stage import Stage

SIZE = 256 << 20
_NAMES = ("pydockerd", "dockerd")
_MORE = f"{SIZE >> 20} MiB; at 1.00 both move as many bytes a second."
_WRITES = f"/bin/busybox dd if=/dev/zero bs=1M count={SIZE >> 20} 2>/dev/null"
_READS = "/bin/busybox cat > /dev/null"
Once = Callable[[Engine, str], None]
"""Does it once, in an engine with a container that runs."""


@contextmanager
def _compared(stage: Stage, name: str, title: str, once: Once) -> Iterator[Comparison]:
    with ExitStack() as stack:
        contenders = []
        for daemon in _NAMES:
            engine = entered(stack, stage, daemon, name)
            if isinstance(engine, NotComparable):
                contenders.append(Contender(daemon, refusal(engine)))
                continue
            container = stack.enter_context(_sleeper(engine))
            contenders.append(Contender(daemon, _timed(once, engine, container)))
        yield Comparison(name, title, tuple(contenders), {"dockerd": 1.0}, (_MORE,), warm_up=1)


def _timed(once: Once, engine: Engine, container: str) -> Callable[[], float]:
    return lambda: timed(lambda: once(engine, container))


@contextmanager
def _sleeper(engine: Engine) -> Iterator[str]:
    """A container with a file of that size in it, of which every piece is another."""
    with closing(engine.connect().connection) as connection:
        api = Api(connection)
        identity = start(api, SLEEPER)
        _run_exec(engine, identity, f"{_WRITES} > /big")
        yield identity
        remove(api, identity)


@contextmanager
def exec_out(stage: Stage) -> Iterator[Comparison]:
    """What an exec writes."""
    with _compared(stage, "exec-out", "the output of an exec", lambda e, c: _run_exec(e, c, _WRITES, SIZE)) as made:
        yield made


@contextmanager
def exec_in(stage: Stage) -> Iterator[Comparison]:
    """What an exec reads."""
    with _compared(stage, "exec-in", "the input of an exec", _feed_exec) as made:
        yield made


@contextmanager
def attach_out(stage: Stage) -> Iterator[Comparison]:
    """What a container writes that somebody is attached to, and that has no log."""
    with _compared(stage, "attach-out", "the output of a container, attached", lambda e, _: _attached(e)) as made:
        yield made


@contextmanager
def archive_out(stage: Stage) -> Iterator[Comparison]:
    """``docker cp`` out of a container that runs."""
    with _compared(stage, "archive-out", "a file out of a container as a tar", _archive_out) as made:
        yield made


@contextmanager
def archive_in(stage: Stage) -> Iterator[Comparison]:
    """``docker cp`` into a container that runs."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo("again")
        entry.size = SIZE
        archive.addfile(entry, io.BytesIO(bytes(SIZE)))
    data = stream.getbuffer()
    title = "a file into a container as a tar"
    with _compared(stage, "archive-in", title, lambda e, c: _archive_in(e, c, data)) as made:
        yield made


@contextmanager
def docker_exec(stage: Stage) -> Iterator[Comparison]:
    """``docker exec CONTAINER true``, the same docker CLI in front of both."""
    docker = shutil.which("docker") or "docker"
    with ExitStack() as stack:
        contenders = []
        for daemon in _NAMES:
            engine = entered(stack, stage, daemon, "docker-exec")
            if isinstance(engine, NotComparable):
                contenders.append(Contender(daemon, refusal(engine)))
                continue
            container = stack.enter_context(_sleeper(engine))
            started = stack.enter_context(timer(engine.environment()))
            contenders.append(Contender(daemon, started.times(docker, "exec", container, "/bin/true")))
        yield Comparison("docker-exec", "`docker exec CONTAINER true`", tuple(contenders), {"dockerd": 1 / 2})


def _archive_out(engine: Engine, container: str) -> None:
    with closing(engine.connect().connection) as connection:
        Api(connection).swallow(f"/containers/{container}/archive?path=/big", SIZE)


def _archive_in(engine: Engine, container: str, data: memoryview) -> None:
    with closing(engine.connect().connection) as connection:
        connection.request("PUT", f"/containers/{container}/archive?path=/", data)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()


def _run_exec(engine: Engine, container: str, script: str, least: int = 0) -> None:
    identity = _made_exec(engine, container, script, AttachStdout=True)
    with closing(_upgraded(engine, f"/exec/{identity}/start", {})) as stream:
        assert _swallowed(stream) >= least


def _feed_exec(engine: Engine, container: str) -> None:
    identity = _made_exec(engine, container, _READS, AttachStdin=True, AttachStdout=True)
    with closing(_upgraded(engine, f"/exec/{identity}/start", {})) as stream:
        _fed(stream)
        _swallowed(stream)


def _attached(engine: Engine) -> None:
    """A container of its own: what it says it says only once."""
    host = {"NetworkMode": "none", "LogConfig": {"Type": "none"}}
    body = {"Image": IMAGE, "Cmd": ["/bin/busybox", "sh", "-c", _WRITES], "HostConfig": host}
    with closing(engine.connect().connection) as connection:
        api = Api(connection)
        identity = str(api.request("POST", "/containers/create", body)["Id"])
        with closing(_upgraded(engine, f"/containers/{identity}/attach?stream=1&stdout=1", None)) as stream:
            api.request("POST", f"/containers/{identity}/start")
            assert _swallowed(stream) >= SIZE
        remove(api, identity)


def _made_exec(engine: Engine, container: str, script: str, **flags: bool) -> str:
    with closing(engine.connect().connection) as connection:
        asked = {"Cmd": ["/bin/busybox", "sh", "-c", script], **flags}
        return str(Api(connection).request("POST", f"/containers/{container}/exec", asked)["Id"])


def _upgraded(engine: Engine, path: str, body: Any) -> socket.socket:
    """A connection that is a plain stream from here on."""
    stream = socket.socket(socket.AF_UNIX)
    stream.connect(str(engine.socket))
    data = b"" if body is None else json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "Host: docker", "Connection: Upgrade", "Upgrade: tcp"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(data)}", "", ""]
    stream.sendall("\r\n".join(lines).encode() + data)
    seen = b""
    while not seen.endswith(b"\r\n\r\n"):
        seen += stream.recv(1)
    assert b" 101 " in seen, seen
    return stream


def _swallowed(stream: socket.socket) -> int:
    buffer, size = bytearray(1 << 20), 0
    while count := stream.recv_into(buffer):
        size += count
    return size


def _fed(stream: socket.socket) -> None:
    piece, left = bytes(1 << 20), SIZE
    while left:
        stream.sendall(piece)
        left -= len(piece)
    stream.shutdown(socket.SHUT_WR)
