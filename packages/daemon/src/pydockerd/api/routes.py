"""All operations that are served, in the order of the API's document."""

from __future__ import annotations

from pydockerd.api import attach, containers, exec, images, networks, system

ROUTES = (
    *containers.ROUTES,
    *attach.ROUTES,
    *images.ROUTES,
    *system.ROUTES,
    *exec.ROUTES,
    *networks.ROUTES,
)
