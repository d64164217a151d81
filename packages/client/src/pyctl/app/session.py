"""What all commands share: the daemon that the user means, and one client of it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from pyctl.hosts import DEFAULT_SOCKET, choose_host
from pyctl.tracing import NO_TRACE, Tracer

if TYPE_CHECKING:
    from pyctl.client import Client

MakeClient = Callable[[str, Tracer], "Client"]
"""Makes a client of a daemon's address; tests put one with a transport of their own here."""


def _connect(host: str, tracer: Tracer) -> Client:
    from pyctl.client import Client  # not for --help and --version

    return Client(host, tracer=tracer)


class Session:
    """One run of the command. Connects, and starts a daemon where that is due, when the client is first asked for."""

    def __init__(self, make_client: MakeClient = _connect, started_ns: int | None = None) -> None:
        self.started_ns = time.monotonic_ns() if started_ns is None else started_ns
        """CLOCK_MONOTONIC at the start of the command."""
        self.tracer = NO_TRACE
        self._make_client = make_client
        self._client: Client | None = None
        self.choose(None)

    def choose(self, host: str | None) -> None:
        """Take the address from ``--host``, or from the environment when it is None."""
        self.host, self._is_default = choose_host(host, os.environ)

    @property
    def client(self) -> Client:
        """The client of the chosen daemon. Raises `pyctl.errors.DaemonUnavailable` when none can be started."""
        if self._client is None:
            if self._is_default and self._make_client is _connect:
                from pyctl.app.launch import ensure_daemon

                ensure_daemon(DEFAULT_SOCKET, self.host)
            self._client = self._make_client(self.host, self.tracer)
        return self._client

    def another_client(self) -> Client:
        """A second client, for a thread of its own: a session of requests belongs to one thread."""
        return self._make_client(self.host, self.tracer)

    def close(self) -> None:
        """Close the client if there is one."""
        if self._client is not None:
            self._client.close()


def session() -> Session:
    """The session of the command that runs."""
    found = click.get_current_context().find_object(Session)
    assert found is not None, "a command runs inside pyctl.app.main"
    return found


def client() -> Client:
    """The client of the command that runs."""
    return session().client


def complain(text: str) -> None:
    """Print a line for the user on standard error."""
    print(text, file=sys.stderr, flush=True)
