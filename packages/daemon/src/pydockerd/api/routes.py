"""All operations that are served, in the order of the API's document."""

from __future__ import annotations

from pydockerd.api import absent, attach, containers, images, networks, system, websocket
from pydockerd.api import exec as execs

ROUTES = (
    *containers.ROUTES,
    *attach.ROUTES,
    *websocket.ROUTES,
    *images.ROUTES,
    *system.ROUTES,
    *execs.ROUTES,
    *networks.ROUTES,
    *absent.ROUTES,
)
