"""A container in the foreground: the pieces that ``run``, ``start``, ``attach`` and ``exec`` put together."""

from __future__ import annotations

import contextlib
import functools
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pyctl.app.session import client, complain, session
from pyctl.app.terminal import console, keys
from pyctl.app.terminal.signals import PROXIED, acting_on
from pyctl.app.terminal.streams import Exchange, Wiring
from pyctl.errors import PyctlError

if TYPE_CHECKING:
    from pyctl.client import Client
    from pyctl.resources.containers import PendingWait

DAEMON_CODE = 125
"""docker's exit code for what the daemon could not do."""

Resize = Callable[["Client", int, int], None]
"""Sets rows and columns of a terminal inside a container."""


def key_sequence(given: str | None) -> bytes:
    """The bytes that detach. Raises `pyctl.errors.InvalidValue`."""
    return keys.DEFAULT if given is None else keys.parse(given)


@contextlib.contextmanager
def attached(
    container: str, streams: frozenset[str], *, tty: bool, detach_keys: str | None, logs: bool = False
) -> Iterator[Exchange]:
    """Attach to some of stdin, stdout and stderr; nothing is copied yet. The connection ends with the body."""
    sequence = key_sequence(detach_keys)
    with client().containers.attach(
        container,
        stdin="stdin" in streams,
        stdout="stdout" in streams,
        stderr="stderr" in streams,
        logs=logs,
        detach_keys=detach_keys,
    ) as connection:
        output = bool(streams - {"stdin"})
        wiring = Wiring(tty=tty, stdin="stdin" in streams, output=output, detach_keys=sequence if tty else None)
        yield Exchange(connection, wiring)


@contextlib.contextmanager
def signals_proxied(container: str) -> Iterator[None]:
    """Send the signals that arrive here to the container instead."""
    with contextlib.closing(session().another_client()) as sender:
        actions = {number: functools.partial(_forward, sender, container, number) for number in PROXIED}
        with acting_on(actions):
            yield


def _forward(sender: Client, container: str, number: signal.Signals) -> None:
    # It may not run yet, or not any more: then the signal has nobody to go to.
    with contextlib.suppress(PyctlError):
        sender.containers.kill(container, str(int(number)))


def container_resize(container: str) -> Resize:
    """Resizes the terminal of a container's own process."""

    def resize(sender: Client, rows: int, columns: int) -> None:
        sender.containers.resize(container, rows, columns)

    return resize


@contextlib.contextmanager
def resizing(resize: Resize) -> Iterator[None]:
    """Give the container's terminal the size of this one: now, and whenever it changes while the body runs."""
    if console.size() is None:
        yield
        return
    with contextlib.closing(session().another_client()) as sender:
        adjust = functools.partial(_adjust, resize, sender)
        adjust()
        with acting_on({signal.SIGWINCH: adjust}):
            yield


def _adjust(resize: Resize, sender: Client) -> None:
    size = console.size()
    if size is not None:
        # What runs there may just have ended: no reason to end this command with an error.
        with contextlib.suppress(PyctlError):
            resize(sender, *size)


def exit_code(pending: PendingWait) -> int:
    """Wait for the container's end; what this command is to exit with."""
    result = pending.result()
    if result.error.message:
        complain(f"Error waiting for container: {result.error.message}")
        return DAEMON_CODE
    return result.status_code
