"""The networks that are there, to be listed and looked at. Source: section Network of the Engine API."""

from __future__ import annotations

from aiohttp import web

from pydockerd.api.call import Call, Route, answer
from pydockerd.engine import Engine
from pydockerd.views.network import find_network, networks


async def list_networks(engine: Engine, call: Call) -> web.Response:
    """NetworkList."""
    wanted = call.filters("name", "id", "driver", "scope", "type", "label", "dangling")
    return answer(
        [
            network
            for network in networks()
            if wanted.one_of("driver", network.driver)
            and wanted.one_of("scope", network.scope)
            and (not wanted.get("name") or any(part in network.name for part in wanted.get("name")))
            and (not wanted.get("id") or any(network.id.startswith(part) for part in wanted.get("id")))
            and wanted.labels(network.labels)
            and "custom" not in wanted.get("type")
        ]
    )


async def inspect(engine: Engine, call: Call) -> web.Response:
    """NetworkInspect."""
    return answer(find_network(call.path("id")))


ROUTES = (Route("GET", "/networks", list_networks), Route("GET", "/networks/{id}", inspect))
