"""Builds. Source: operation ImageBuild of the Engine API."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from aiohttp import web

from pydockerd.api.call import Call, Route, answer, encode, open_stream
from pydockerd.builder.options import BuildOptions, Limits
from pydockerd.engine import Engine
from pydockerd.errors import BadRequest, BuildFailed, InternalError
from pydockerd.faults import as_answer
from pydockerd.models.build import BuildsPruned
from pydockerd.models.host_config import Ulimit
from pydockerd.models.image import Progress, progress_error
from pydockerd.models.wire import read
from pydockerd.services import buildcache
from pydockerd.services import builds as service

SECRETS: Final = "X-Build-Secrets"
"""Header of this daemon's own: JSON in base64 of the kind for addresses, for each secret its content in base64. A classic build has no other way for them."""

_PIECE: Final = 256 << 10


async def build(engine: Engine, call: Call) -> web.StreamResponse:
    """ImageBuild. What is wrong with the request or the Dockerfile is a status; what goes wrong afterwards is the last message."""
    options = _options(call)
    known = service.logins(call.request.headers.get("X-Registry-Config", ""))
    messages = service.build(engine, options, call.request.content.iter_chunked(_PIECE), known)
    async with contextlib.aclosing(messages):  # type: ignore[type-var]
        first = await _first(messages)
        response = await open_stream(call)
        try:
            await response.write(encode(first))
            async for message in messages:
                await response.write(encode(message))
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:
            await response.write(encode(_failure(error)))
    return response


async def _first(messages: AsyncIterator[Progress]) -> Progress:
    """What the document knows no status for, such as a base image that is not there, is a 500."""
    try:
        return await anext(messages)
    except (ConnectionError, asyncio.CancelledError):
        raise
    except Exception as error:
        said = as_answer(error)
        raise said if isinstance(said, BadRequest | InternalError) else InternalError(said.message) from error


async def prune(engine: Engine, call: Call) -> web.Response:
    """BuildPrune. ``keep-storage`` is what ``reserved-space`` was called before 1.48."""
    deleted, reclaimed = await buildcache.prune(
        engine,
        call.filters(*buildcache.FILTERS),
        everything=call.flag("all"),
        keep=call.integer("reserved-space", call.integer("keep-storage", 0)),
        most=call.integer("max-used-space", 0),
        free=call.integer("min-free-space", 0),
    )
    return answer(BuildsPruned(caches_deleted=deleted or None, space_reclaimed=reclaimed))


def _failure(error: Exception) -> Progress:
    """With the exit code, which the client ends with."""
    said = as_answer(error)
    if isinstance(said, BuildFailed):
        return Progress(error=said.message, error_detail={"code": said.code, "message": said.message})
    return progress_error(said.message)


def _options(call: Call) -> BuildOptions:
    if call.text("version", "1") not in ("", "1"):
        raise BadRequest("BuildKit's protocol is not spoken here: build with DOCKER_BUILDKIT=0")
    if call.text("outputs") not in ("", "[]", "null"):
        raise BadRequest("outputs are BuildKit's; save or export the image instead")
    return BuildOptions(
        dockerfile=call.text("dockerfile") or "Dockerfile",
        tags=tuple(dict.fromkeys(tag for tag in call.texts("t") if tag)),
        remote=call.text("remote"),
        quiet=call.flag("q"),
        no_cache=call.flag("nocache"),
        pull=call.flag("pull"),
        arguments={name: value for name, value in _object(call, "buildargs").items() if value is not None},
        labels={name: value or "" for name, value in _object(call, "labels").items()},
        target=call.text("target"),
        platform=call.text("platform"),
        network_mode=call.text("networkmode"),
        extra_hosts=tuple(host for text in call.texts("extrahosts") for host in text.split(",") if host),
        squash=call.flag("squash"),
        cache_from=tuple(_list(call, "cachefrom")),
        limits=_limits(call),
        secrets=_secrets(call),
    )


def _limits(call: Call) -> Limits:
    return Limits(
        memory=call.integer("memory", 0),
        memory_swap=call.integer("memswap", 0),
        cpu_shares=call.integer("cpushares", 0),
        cpu_period=call.integer("cpuperiod", 0),
        cpu_quota=call.integer("cpuquota", 0),
        cpuset_cpus=call.text("cpusetcpus"),
        cpuset_mems=call.text("cpusetmems"),
        shm_size=call.integer("shmsize", 0),
        ulimits=tuple(read(Ulimit, item, f"ulimits[{number}]") for number, item in enumerate(_items(call, "ulimits"))),
        cgroup_parent=call.text("cgroupparent"),
    )


def _decoded(call: Call, name: str) -> Any:
    text = call.text(name)
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"invalid value for {name}: not JSON: {error}") from None


def _object(call: Call, name: str) -> Mapping[str, str | None]:
    """Texts by name, of which some may be null."""
    found = _decoded(call, name)
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(value, str | None) for value in found.values()):
        raise BadRequest(f"invalid value for {name}: expected an object of strings")
    if any("\0" in f"{key}{value}" for key, value in found.items()):
        raise BadRequest(f"invalid value for {name}: expected strings without NUL")
    return found


def _items(call: Call, name: str) -> list[Any]:
    found = _decoded(call, name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise BadRequest(f"invalid value for {name}: expected an array")
    return found


def _list(call: Call, name: str) -> list[str]:
    found = _items(call, name)
    if not all(isinstance(item, str) for item in found):
        raise BadRequest(f"invalid value for {name}: expected an array of strings")
    return found


def _secrets(call: Call) -> Mapping[str, bytes]:
    """What is wrong is told without what they are."""
    header = call.request.headers.get(SECRETS, "")
    if not header:
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
        return {str(name): base64.b64decode(value, validate=True) for name, value in found.items()}
    except (ValueError, RecursionError, AttributeError, TypeError, binascii.Error):
        raise BadRequest(f"invalid header {SECRETS}: expected JSON in base64: the content of each in base64") from None


ROUTES = (Route("POST", "/build", build, streams=True), Route("POST", "/build/prune", prune))
