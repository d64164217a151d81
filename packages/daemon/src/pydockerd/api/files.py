"""What a container has done to its files, and files into and out of it: changes, export, archive (docker cp), commit. Source: sections Container and
Image of the Engine API."""

from __future__ import annotations

import base64
import contextlib
import json
import shlex
import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import hdrs, web

from pycontainerd import PathStat
from pycontainerd.errors import PathNotFound
from pydockerd.api.call import Call, Route, answer, empty, encode, open_stream
from pydockerd.api.containers import find
from pydockerd.engine import Engine
from pydockerd.errors import BadRequest, NotFound
from pydockerd.models.container import Change, Committed, PathStatView
from pydockerd.models.container_config import Config
from pydockerd.models.wire import read, timestamp

_PIECE: Final = 256 << 10
_STAT_HEADER: Final = "X-Docker-Container-Path-Stat"

# Go's os.FileMode, which the docker CLI reads: the kind of a file in the upper bits.
_GO_KINDS: Final[Mapping[int, int]] = {
    stat.S_IFDIR: 1 << 31,
    stat.S_IFLNK: 1 << 27,
    stat.S_IFBLK: 1 << 26,
    stat.S_IFCHR: 1 << 26 | 1 << 21,
    stat.S_IFIFO: 1 << 25,
    stat.S_IFSOCK: 1 << 24,
}
_GO_BITS: Final[Mapping[int, int]] = {stat.S_ISUID: 1 << 23, stat.S_ISGID: 1 << 22, stat.S_ISVTX: 1 << 20}


async def changes(engine: Engine, call: Call) -> web.Response:
    """ContainerChanges."""
    found = await find(engine, call).changes()
    return answer([Change(path=change.path, kind=int(change.kind)) for change in found])


async def export(engine: Engine, call: Call) -> web.StreamResponse:
    """ContainerExport."""
    container = find(engine, call)
    response = await open_stream(call, "application/octet-stream")
    async with contextlib.aclosing(container.export()) as pieces:
        async for piece in pieces:
            await response.write(piece)
    return response


async def archive_info(engine: Engine, call: Call) -> web.Response:
    """ContainerArchiveInfo: what is at the path, in a header."""
    with _named(call):
        found = await find(engine, call).stat(_path(call))
    return web.Response(headers={_STAT_HEADER: _encoded(found)})


async def get_archive(engine: Engine, call: Call) -> web.StreamResponse:
    """ContainerArchive."""
    container, path = find(engine, call), _path(call)
    with _named(call):
        found = await container.stat(path)
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "application/x-tar", _STAT_HEADER: _encoded(found)})
    await response.prepare(call.request)
    async with contextlib.aclosing(container.read_archive(path)) as pieces:
        async for piece in pieces:
            await response.write(piece)
    return response


async def put_archive(engine: Engine, call: Call) -> web.Response:
    """PutContainerArchive. Owners are those that the tar says, with ``copyUIDGID`` too."""
    container = find(engine, call)
    body = call.request.content.iter_chunked(_PIECE)
    with _named(call):
        await container.write_archive(_path(call), body, keep_kinds=call.flag("noOverwriteDirNonDir"))
    return empty(200)


async def commit(engine: Engine, call: Call) -> web.Response:
    """ImageCommit. The body is a configuration that goes over the container's, and ``changes`` over that."""
    container = engine.supervisor.containers.get(call.text("container"))
    repository, tag = call.text("repo"), call.text("tag")
    given = [line for text in call.texts("changes") for line in text.splitlines() if line.strip()]
    image = await container.commit(
        (f"{repository}:{tag}" if tag else repository) or None,
        changes=[*_instructions(await call.json(required=False)), *given],
        author=call.text("author"),
        message=call.text("comment"),
        pause=call.flag("pause", default=True),
    )
    return answer(Committed(id=image.id), 201)


@contextlib.contextmanager
def _named(call: Call) -> Iterator[None]:
    """A file that is not there, in dockerd's words."""
    try:
        yield
    except PathNotFound as error:
        raise NotFound(f"Could not find the file {error.path} in container {call.path('id')}") from error


def _path(call: Call) -> str:
    path = call.text("path")
    if not path:
        raise BadRequest("bad parameter: path cannot be empty")
    return path


def _encoded(found: PathStat) -> str:
    kind = _GO_KINDS.get(stat.S_IFMT(found.mode), 0)
    bits = sum(theirs for ours, theirs in _GO_BITS.items() if found.mode & ours)
    view = PathStatView(
        name=found.name,
        size=found.size,
        mode=found.mode & 0o777 | kind | bits,
        mtime=timestamp(_moment(found.mtime_ns)),
        link_target=found.link_target,
    )
    return base64.b64encode(encode(view).strip()).decode()


def _moment(nanoseconds: int) -> datetime | None:
    """None for a time that no calendar has: a container may give its files any."""
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _instructions(body: Any) -> list[str]:
    """A configuration as the instructions that set it, so that there is one way to do so."""
    if body is None:
        return []
    config = read(Config, body)
    lists = {"CMD": config.cmd, "ENTRYPOINT": config.entrypoint}
    names = {"EXPOSE": list(config.exposed_ports), "VOLUME": list(config.volumes or ())}
    texts = {"USER": config.user, "WORKDIR": config.working_dir, "STOPSIGNAL": config.stop_signal}
    return [
        *(f"{word} {json.dumps(list(value))}" for word, value in lists.items() if value),
        *(f"{word} {json.dumps(value)}" for word, value in names.items() if value),
        *(f"{word} {value}" for word, value in texts.items() if value),
        *(f"ENV {shlex.quote(variable)}" for variable in config.env if "=" in variable),
        *(f"LABEL {shlex.quote(f'{key}={value}')}" for key, value in (config.labels or {}).items()),
    ]


ROUTES = (
    Route("GET", "/containers/{id}/changes", changes),
    Route("GET", "/containers/{id}/export", export, streams=True),
    Route("HEAD", "/containers/{id}/archive", archive_info),
    Route("GET", "/containers/{id}/archive", get_archive, streams=True),
    Route("PUT", "/containers/{id}/archive", put_archive),
    Route("POST", "/commit", commit),
)
