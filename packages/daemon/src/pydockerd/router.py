"""From a method and a path to an operation.

Paths are matched undecoded, so that an encoded slash never divides a name, and names of images may contain plain ones
(``/images/{name}/json`` with ``library/busybox``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from aiohttp import web

from pydockerd.api.call import Call, Route
from pydockerd.engine import Engine
from pydockerd.errors import NotServed, Unavailable
from pydockerd.operations import OPERATIONS, SWARM_TAGS, Operation

_PART = re.compile(r"\{([a-z_]+)\}")


class Router:
    """All operations of the Engine API: those that are served, and for the rest an answer that says so."""

    def __init__(self, routes: Iterable[Route]) -> None:
        served = list(routes)
        known = {(route.method, route.path) for route in served}
        self._fixed: dict[tuple[str, str], Route] = {}
        self._patterns: dict[tuple[str, str], list[tuple[re.Pattern[str], Route]]] = {}
        for route in [*served, *(_missing(o) for o in OPERATIONS if (o.method, o.path) not in known)]:
            self._add(route)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The operation and the parts of the path, as they are encoded; None for a path of no operation."""
        fixed = self._fixed.get((method, path))
        if fixed is not None:
            return fixed, {}
        for pattern, route in self._patterns.get((method, _resource(path)), ()):
            found = pattern.fullmatch(path)
            if found is not None:
                return route, found.groupdict()
        return None

    def _add(self, route: Route) -> None:
        if "{" not in route.path:
            self._fixed[route.method, route.path] = route
            return
        patterns = self._patterns.setdefault((route.method, _resource(route.path)), [])
        patterns.append((_compile(route.path), route))


def _resource(path: str) -> str:
    return path.split("/", 2)[1]


def _compile(path: str) -> re.Pattern[str]:
    several = path.startswith(("/images/", "/distribution/", "/plugins/"))
    return re.compile(_PART.sub(lambda part: f"(?P<{part[1]}>{'.+' if several else '[^/]+'})", path))


def _missing(operation: Operation) -> Route:
    async def refuse(engine: Engine, call: Call) -> web.StreamResponse:
        if operation.tag in SWARM_TAGS:
            raise Unavailable(
                'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.'
            )
        raise NotServed(f"{operation.name} ({operation.method} {operation.path}) is not implemented by pydockerd yet")

    return Route(operation.method, operation.path, refuse)
