"""pyctl: a typed client of the Engine API, and the docker command on top of it.

    >>> import pyctl
    >>> with pyctl.Client() as client:
    ...     for container in client.containers.list(all=True):
    ...         print(container.id, container.state)

Names are resolved on first use, so that ``pyctl --version`` pays for nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyctl.version import __version__

if TYPE_CHECKING:
    from pyctl.aio.client import AsyncClient
    from pyctl.client import Client
    from pyctl.errors import ApiError, Conflict, NotFound, PyctlError
    from pyctl.models.create import CreateRequest, ExecRequest, HostConfig
    from pyctl.streams import copy, demultiplex

__all__ = [
    "ApiError",
    "AsyncClient",
    "Client",
    "Conflict",
    "CreateRequest",
    "ExecRequest",
    "HostConfig",
    "NotFound",
    "PyctlError",
    "__version__",
    "copy",
    "demultiplex",
]

_HOMES = {
    "AsyncClient": "pyctl.aio.client",
    "Client": "pyctl.client",
    **dict.fromkeys(["ApiError", "Conflict", "NotFound", "PyctlError"], "pyctl.errors"),
    **dict.fromkeys(["CreateRequest", "ExecRequest", "HostConfig"], "pyctl.models.create"),
    **dict.fromkeys(["copy", "demultiplex"], "pyctl.streams"),
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'pyctl' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
