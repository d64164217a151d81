"""Further processes in a container. Source: section Exec of the Engine API."""

from __future__ import annotations

from aiohttp import web

from pycontainerd import Exec
from pycontainerd.containers.config import ExecConfig
from pycontainerd.containers.info import Status
from pydockerd.api.call import Call, Route, answer, empty
from pydockerd.api.containers import find
from pydockerd.api.headers import headers
from pydockerd.api.hijack import Connection, Hijacked, hijack
from pydockerd.engine import Engine
from pydockerd.errors import BadRequest, Conflict
from pydockerd.faults import as_answer
from pydockerd.models.exec import ExecCreate, ExecId, ExecInspect, ExecStart, ProcessConfig
from pydockerd.streams.detach import parse_keys
from pydockerd.streams.frames import content_type, frame
from pydockerd.streams.session import join


async def create(engine: Engine, call: Call) -> web.Response:
    """ContainerExec."""
    asked = await call.body(ExecCreate)
    container = find(engine, call)
    if not asked.cmd:
        raise BadRequest("No exec command specified")
    parse_keys(asked.detach_keys)
    info = container.info()
    if info.status is Status.PAUSED:
        raise Conflict(f"container {info.name or info.id} is paused, unpause the container before exec")
    if info.status is Status.RESTARTING:
        raise Conflict(f"Container {info.id} is restarting, wait until the container is running")
    if not info.running:
        raise Conflict(f"container {info.id} is not running")
    process = await container.exec(
        ExecConfig(
            args=tuple(asked.cmd),
            env=asked.env,
            cwd=asked.working_dir or None,
            user=asked.user or None,
            terminal=asked.tty,
            stdin=asked.attach_stdin,
            privileged=asked.privileged,
        )
    )
    engine.exec_requests.remember(process.id, asked)
    return answer(ExecId(id=process.id), 201)


async def start(engine: Engine, call: Call) -> web.StreamResponse:
    """ExecStart: detached, or with the connection as the process's streams."""
    process = engine.supervisor.containers.get_exec(call.path("id"))
    asked = await call.body(ExecStart)
    _check_startable(process)
    size = _size(asked.console_size) or _size(engine.exec_requests.recall(process.id).console_size)
    if asked.detach:
        await process.start(console_size=size)
        return empty(200)
    return await _start_attached(engine, call, process, size)


async def _start_attached(
    engine: Engine, call: Call, process: Exec, size: tuple[int, int] | None
) -> web.StreamResponse:
    """The head goes out before the start, as docker's does: what goes wrong from then on is told in the stream."""
    wanted = engine.exec_requests.recall(process.id)
    terminal = process.config.terminal
    attachment = await process.attach(
        stdin=wanted.attach_stdin, stdout=wanted.attach_stdout, stderr=wanted.attach_stderr
    )
    async with (
        attachment,
        hijack(call.request, content_type(call.version, terminal=terminal), headers(engine.settings)) as connection,
    ):
        try:
            await process.start(console_size=size)
        except Exception as error:
            await _tell(connection, as_answer(error).message, multiplexed=not terminal)
            return Hijacked()
        ended = await join(
            connection,
            attachment,
            multiplexed=not terminal,
            stdin=wanted.attach_stdin,
            keys=parse_keys(wanted.detach_keys) if terminal and wanted.attach_stdin else None,
        )
        if ended:
            # clients take the end of the stream for the end of the process, and ask for its exit code at once
            await process.wait()
    return Hijacked()


async def resize(engine: Engine, call: Call) -> web.Response:
    """ExecResize."""
    rows, columns = call.integer("h"), call.integer("w")
    await engine.supervisor.containers.get_exec(call.path("id")).resize(rows, columns)
    return empty(200)


async def inspect(engine: Engine, call: Call) -> web.Response:
    """ExecInspect."""
    process = engine.supervisor.containers.get_exec(call.path("id"))
    info, config = process.info(), process.config
    wanted = engine.exec_requests.recall(process.id)
    return answer(
        ExecInspect(
            id=process.id,
            running=info.running,
            exit_code=info.exit_code,
            process_config=ProcessConfig(
                tty=config.terminal,
                entrypoint=config.args[0],
                arguments=config.args[1:],
                privileged=config.privileged,
                user=config.user or "",
            ),
            open_stdin=wanted.attach_stdin,
            open_stderr=wanted.attach_stderr,
            open_stdout=wanted.attach_stdout,
            can_remove=info.can_remove,
            container_id=process.container_id,
            detach_keys=wanted.detach_keys,
            pid=info.pid,
        )
    )


def _check_startable(process: Exec) -> None:
    info = process.info()
    if info.running:
        raise Conflict(f"Error: Exec command {process.id} is already running")
    if info.exit_code is not None:
        raise Conflict(f"Error: Exec command {process.id} has already run")


def _size(console_size: tuple[int, ...] | None) -> tuple[int, int] | None:
    if console_size is None or len(console_size) != 2 or not all(console_size):
        return None
    return console_size[0], console_size[1]


async def _tell(connection: Connection, message: str, *, multiplexed: bool) -> None:
    text = f"{message}\r\n".encode()
    await connection.write(frame("stderr", text) if multiplexed else text)


ROUTES = (
    Route("POST", "/containers/{id}/exec", create),
    Route("POST", "/exec/{id}/start", start, streams=True, follows=True),
    Route("POST", "/exec/{id}/resize", resize),
    Route("GET", "/exec/{id}/json", inspect),
)
