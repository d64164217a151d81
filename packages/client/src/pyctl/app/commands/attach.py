"""``pyctl attach``: join this terminal to a running container."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from typing import Annotated

from pyctl.app.commands import foreground
from pyctl.app.flags import Name, switch, value
from pyctl.app.session import client
from pyctl.app.terminal import console
from pyctl.errors import InvalidUsage
from pyctl.models.containers import ContainerDetail


def attach(
    container: Name,
    detach_keys: Annotated[
        str | None, value("--detach-keys", help="Override the key sequence for detaching a container")
    ] = None,
    no_stdin: Annotated[bool, switch("--no-stdin", help="Do not attach STDIN")] = False,
    sig_proxy: Annotated[
        bool,
        switch("--sig-proxy/--no-sig-proxy", help="Proxy all received signals to the process (default true)"),
    ] = True,
) -> int:
    """ContainerAttach; exits as the container does."""
    # First of all, so that a container that ends meanwhile still tells its code.
    pending = client().containers.wait(container)
    found = client().containers.inspect(container)
    _check(found)
    tty = found.config.tty
    console.check_input(attached=not no_stdin, wants_tty=tty)
    streams = {"stdout", "stderr"} | ({"stdin"} if found.config.open_stdin and not no_stdin else set())
    with ExitStack() as stack:
        if sig_proxy and not tty:
            stack.enter_context(foreground.signals_proxied(found.id))
        exchange = stack.enter_context(
            foreground.attached(found.id, frozenset(streams), tty=tty, detach_keys=detach_keys)
        )
        stack.enter_context(exchange.begun())
        stack.enter_context(foreground.resizing(foreground.container_resize(found.id)) if tty else nullcontext())
        exchange.finish()
    return foreground.exit_code(pending)


def _check(found: ContainerDetail) -> None:
    state = found.state
    if not state.running:
        raise InvalidUsage("You cannot attach to a stopped container, start it first")
    if state.paused:
        raise InvalidUsage("You cannot attach to a paused container, unpause it first")
    if state.restarting:
        raise InvalidUsage("You cannot attach to a restarting container, wait until it is running")
