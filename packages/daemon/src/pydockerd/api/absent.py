"""Things of which there are none yet: plugins and what builds leave. Who looks for a name everywhere (``docker inspect``), or clears away everything
(``docker system prune``), must get to the end.

Source: section Plugin and operation BuildPrune of the Engine API.
"""

from __future__ import annotations

from aiohttp import web

from pydockerd.api.call import Call, Route, answer
from pydockerd.engine import Engine
from pydockerd.errors import NotFound


async def plugin(engine: Engine, call: Call) -> web.Response:
    """PluginInspect."""
    raise NotFound(f'plugin "{call.path("name")}" not found')


async def prune_builds(engine: Engine, call: Call) -> web.Response:
    """BuildPrune: there is no cache of builds to take anything from."""
    return answer({"CachesDeleted": None, "SpaceReclaimed": 0})


ROUTES = (Route("GET", "/plugins/{name}/json", plugin), Route("POST", "/build/prune", prune_builds))
