"""Things of which there are none yet: plugins. Who looks for a name everywhere (``docker inspect``) must get to the end.

Source: section Plugin of the Engine API.
"""

from __future__ import annotations

from aiohttp import web

from pydockerd.api.call import Call, Route
from pydockerd.engine import Engine
from pydockerd.errors import NotFound


async def plugin(engine: Engine, call: Call) -> web.Response:
    """PluginInspect."""
    raise NotFound(f'plugin "{call.path("name")}" not found')


ROUTES = (Route("GET", "/plugins/{name}/json", plugin),)
