"""Registries: log in, search, and look at what one has. Source: operations SystemAuth and ImageSearch, section Distribution of the Engine API."""

from __future__ import annotations

from aiohttp import web

from pydockerd.api.call import Call, Route, answer
from pydockerd.engine import Engine
from pydockerd.models.registry import AuthAnswer, AuthConfig, DistributionInspect, OciDescriptor, OciPlatform
from pydockerd.services import registries as service

_DOCKER_HUB = "docker.io"


async def auth(engine: Engine, call: Call) -> web.Response:
    """SystemAuth: 401 with the registry's words for credentials that it does not take."""
    said = await call.body(AuthConfig)
    token = await engine.supervisor.registries.login(said.server_address or _DOCKER_HUB, service.of_config(said))
    return answer(AuthAnswer(status="Login Succeeded", identity_token=token or said.identity_token))


async def inspect(engine: Engine, call: Call) -> web.Response:
    """DistributionInspect."""
    credentials = service.credentials(call.request.headers.get("X-Registry-Auth", ""))
    found = await engine.supervisor.registries.inspect(call.path("name"), auth=credentials)
    descriptor = OciDescriptor(
        media_type=found.descriptor.media_type, digest=found.descriptor.digest, size=found.descriptor.size
    )
    platforms = tuple(
        OciPlatform(architecture=each.architecture, os=each.os, os_version=each.os_version, variant=each.variant)
        for each in found.platforms
    )
    return answer(DistributionInspect(descriptor=descriptor, platforms=platforms))


async def search(engine: Engine, call: Call) -> web.Response:
    """ImageSearch."""
    term, limit = call.text("term"), call.integer("limit", 0)
    filters = call.filters("is-automated", "is-official", "stars")
    auth = service.credentials(call.request.headers.get("X-Registry-Auth", ""))
    return answer(await service.search(engine, term, limit, filters, auth))


ROUTES = (
    Route("GET", "/images/search", search),
    Route("POST", "/auth", auth),
    Route("GET", "/distribution/{name}/json", inspect),
)
