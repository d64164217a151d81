"""Containers in a test suite: waiting until a service is ready, talking to it without publishing a port, and the plugin's fixtures.

The pytest plugin is the package ``pytest_pycontainerd``, beside this one so that pytest does not import all of pycontainerd at its start; its
fixtures are made of what is here, and so can be those of other frameworks.
"""

from __future__ import annotations

from pycontainerd.testing.conditions import Command, Condition, Healthy, Http, LogLine, Port
from pycontainerd.testing.factory import Guests
from pycontainerd.testing.forward import forward
from pycontainerd.testing.guest import Completed, Guest
from pycontainerd.testing.reach import connect
from pycontainerd.testing.readiness import until_ready

__all__ = [
    "Command",
    "Completed",
    "Condition",
    "Guest",
    "Guests",
    "Healthy",
    "Http",
    "LogLine",
    "Port",
    "connect",
    "forward",
    "until_ready",
]
