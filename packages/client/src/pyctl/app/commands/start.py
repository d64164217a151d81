"""``pyctl start``: start containers again, one of them in the foreground if asked."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from typing import Annotated

from pyctl.app.commands import foreground
from pyctl.app.commands.lifecycle import for_each
from pyctl.app.flags import Names, switch, value
from pyctl.app.session import client, complain
from pyctl.errors import ApiError, Detached, InvalidUsage


def start(
    containers: Names,
    attach: Annotated[bool, switch("--attach", "-a", help="Attach STDOUT/STDERR and forward signals")] = False,
    detach_keys: Annotated[
        str | None, value("--detach-keys", help="Override the key sequence for detaching a container")
    ] = None,
    interactive: Annotated[bool, switch("--interactive", "-i", help="Attach container's STDIN")] = False,
) -> int:
    """ContainerStart; attached, it exits as the container does."""
    if attach or interactive:
        if len(containers) > 1:
            raise InvalidUsage("you cannot start and attach multiple containers at once")
        return _in_foreground(containers[0], interactive=interactive, detach_keys=detach_keys)
    failed: list[str] = []

    def begin(name: str) -> None:
        try:
            client().containers.start(name)
        except ApiError:
            failed.append(name)
            raise

    code = for_each(containers, begin)
    if failed:
        complain(f"Error: failed to start containers: {', '.join(failed)}")
    return code


def _in_foreground(container: str, *, interactive: bool, detach_keys: str | None) -> int:
    found = client().containers.inspect(container)
    tty = found.config.tty
    streams = {"stdout", "stderr"} | ({"stdin"} if interactive and found.config.open_stdin else set())
    with ExitStack() as stack:
        if not tty:
            stack.enter_context(foreground.signals_proxied(found.id))
        exchange = stack.enter_context(
            foreground.attached(found.id, frozenset(streams), tty=tty, detach_keys=detach_keys)
        )
        stack.enter_context(exchange.begun())
        pending = client().containers.wait(found.id, "removed" if found.host_config.auto_remove else "next-exit")
        client().containers.start(found.id)
        stack.enter_context(foreground.resizing(foreground.container_resize(found.id)) if tty else nullcontext())
        try:
            exchange.finish()
        except Detached:
            return 0
        return foreground.exit_code(pending)
