"""All operations that are served, in the order of the API's document."""

from __future__ import annotations

from pydockerd.api import (
    absent,
    attach,
    build,
    containers,
    files,
    images,
    networks,
    registries,
    system,
    volumes,
    websocket,
)
from pydockerd.api import exec as execs

ROUTES = (
    *containers.ROUTES,
    *files.ROUTES,
    *attach.ROUTES,
    *websocket.ROUTES,
    *images.ROUTES,
    *build.ROUTES,
    *system.ROUTES,
    *registries.ROUTES,
    *execs.ROUTES,
    *volumes.ROUTES,
    *networks.ROUTES,
    *absent.ROUTES,
)
