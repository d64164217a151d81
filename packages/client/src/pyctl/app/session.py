"""What all commands share: the daemon that the user means, and one client of it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyctl.configuration import directory_of
from pyctl.errors import InvalidContext
from pyctl.hosts import DEFAULT_SOCKET
from pyctl.targets import Target, Wish, choose
from pyctl.tracing import NO_TRACE, Tracer

if TYPE_CHECKING:
    from pyctl.client import Client

MakeClient = Callable[[Target, Tracer], "Client"]
"""Makes a client of a daemon; tests put one with a transport of their own here."""


def _connect(target: Target, tracer: Tracer) -> Client:
    from pyctl.client import Client  # not for --help and --version
    from pyctl.transport import RequestsTransport

    return Client(transport=RequestsTransport(target.endpoint()), tracer=tracer)


def _connect_telling(target: Target, tracer: Tracer) -> Client:
    from pyctl.app.debugging import TellingTransport
    from pyctl.client import Client
    from pyctl.transport import RequestsTransport

    return Client(transport=TellingTransport(RequestsTransport(target.endpoint()), complain), tracer=tracer)


class Session:
    """One run of the command. Connects, and starts a daemon where that is due, when the client is first asked for."""

    def __init__(self, make_client: MakeClient = _connect, started_ns: int | None = None) -> None:
        self.started_ns = time.monotonic_ns() if started_ns is None else started_ns
        """CLOCK_MONOTONIC at the start of the command."""
        self.tracer = NO_TRACE
        self._make_client = make_client
        self._client: Client | None = None
        self.wish = Wish()
        """What the global flags say."""
        self.debug = False
        """Whether to show what is asked of the daemon."""
        self._target: Target | None = None

    @property
    def target(self) -> Target:
        """The daemon that is meant. Raises `pyctl.errors.InvalidContext`."""
        if self._target is None:
            try:
                self._target = choose(self.wish, os.environ)
            except InvalidContext as error:
                raise InvalidContext(f"Failed to initialize: unable to resolve docker endpoint: {error}") from error
        return self._target

    @property
    def configuration(self) -> Path:
        """docker's configuration directory."""
        return directory_of(self.wish.config, os.environ)

    @property
    def client(self) -> Client:
        """The client of the chosen daemon. Raises `pyctl.errors.DaemonUnavailable` when none can be started."""
        if self._client is None:
            if self.target.is_default and self._make_client is _connect:
                from pyctl.app.launch import ensure_daemon

                ensure_daemon(DEFAULT_SOCKET, self.target.host)
            self._client = self._make()
        return self._client

    def another_client(self) -> Client:
        """A second client, for a thread of its own: a session of requests belongs to one thread."""
        return self._make()

    def _make(self) -> Client:
        make = _connect_telling if self.debug and self._make_client is _connect else self._make_client
        return make(self.target, self.tracer)

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
