"""Things of which there are none yet: volumes and plugins. Who looks for a name everywhere (``docker inspect``) must get to the end.

Source: sections Volume and Plugin of the Engine API.
"""

from __future__ import annotations

from aiohttp import web

from pydockerd.api.call import Call, Route
from pydockerd.engine import Engine
from pydockerd.errors import NotFound


async def volume(engine: Engine, call: Call) -> web.Response:
    """VolumeInspect."""
    raise NotFound(f"get {call.path('name')}: no such volume")


async def plugin(engine: Engine, call: Call) -> web.Response:
    """PluginInspect."""
    raise NotFound(f'plugin "{call.path("name")}" not found')


ROUTES = (Route("GET", "/volumes/{name}", volume), Route("GET", "/plugins/{name}/json", plugin))
