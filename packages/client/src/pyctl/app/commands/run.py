"""``pyctl run``: create a container, attach to it, start it, and end as it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated

import attrs

from pyctl.app.commands import foreground
from pyctl.app.commands.creation import create, failing_as_docker, request_of, run_failure, start_code
from pyctl.app.flags import operand, switch
from pyctl.app.options.container_flags import ContainerFlags
from pyctl.app.options.request import attachment
from pyctl.app.session import client, session
from pyctl.app.terminal import console
from pyctl.app.terminal.streams import Exchange
from pyctl.errors import Detached, InvalidUsage, PyctlError
from pyctl.models.create import CreateRequest
from pyctl.tracing import Tracer

if TYPE_CHECKING:
    from pyctl.resources.containers import PendingWait

_OUTPUT = frozenset({"stdout", "stderr"})


@attrs.frozen(kw_only=True)
class RunFlags:
    """The flags that ``create`` does not have."""

    detach: Annotated[bool, switch("--detach", "-d", help="Run container in background and print container ID")] = False
    sig_proxy: Annotated[
        bool, switch("--sig-proxy/--no-sig-proxy", help="Proxy received signals to the process (default true)")
    ] = True
    trace: Annotated[
        bool, switch("--trace", help="Print on standard error where the time went, from this command to the runtime")
    ] = False


def run(
    image: Annotated[str, operand("IMAGE")],
    flags: ContainerFlags,
    run_flags: RunFlags,
    command: Annotated[list[str] | None, operand("[COMMAND] [ARG...]")] = None,
) -> int:
    """ContainerCreate, ContainerAttach, ContainerWait, ContainerStart. Exits with the container's code, or with 125, 126,
    127 when it could not be made, is not executable, is not found."""
    if run_flags.detach and flags.attach:
        raise InvalidUsage("conflicting options: cannot specify both --attach and --detach")
    with _traced(run_flags.trace):
        request = request_of(flags, image, command or [], detach=run_flags.detach)
        console.check_input(attached=bool(request.attach_stdin), wants_tty=flags.tty)
        return _run(flags, run_flags, request)


def _run(flags: ContainerFlags, run_flags: RunFlags, request: CreateRequest) -> int:
    streams = attachment(flags, detach=run_flags.detach)
    failing_as_docker(lambda: foreground.key_sequence(flags.detach_keys))
    container = failing_as_docker(lambda: create(flags, request), start_code).id
    with ExitStack() as stack:
        if run_flags.sig_proxy and not flags.tty:
            stack.enter_context(foreground.signals_proxied(container))
        if not streams & _OUTPUT:
            print(container, flush=True)
        exchange = None
        if streams:
            exchange = stack.enter_context(
                foreground.attached(container, streams, tty=flags.tty, detach_keys=flags.detach_keys)
            )
            stack.enter_context(exchange.begun())
        # Asked before the start: a container that ends at once is not missed.
        pending = client().containers.wait(container, "removed" if flags.rm else "next-exit")
        _start(container, pending, removed=flags.rm)
        with session().tracer.span("client", "wait for the container"):
            if exchange is not None and not _followed(exchange, container, tty=flags.tty):
                return 0
            return foreground.exit_code(pending) if streams & _OUTPUT else 0


def _start(container: str, pending: PendingWait, *, removed: bool) -> None:
    try:
        client().containers.start(container)
    except PyctlError as error:
        if removed:
            pending.result()  # until the daemon has removed it: nobody is to find it after this command
        raise run_failure(error, start_code(error)) from error


def _followed(exchange: Exchange, container: str, *, tty: bool) -> bool:
    """Copy output to its end; False when the user detached."""

    with foreground.resizing(foreground.container_resize(container)) if tty else nullcontext():
        try:
            exchange.finish()
        except Detached:
            return False
    return True


@contextmanager
def _traced(enabled: bool) -> Iterator[None]:
    """Collect spans while the body runs, and print them as a waterfall at its end, also when it fails."""
    if not enabled:
        yield
        return
    from pyctl.app.commands.trace import report

    session().tracer = tracer = Tracer()
    tracer.add("client", "start up", session().started_ns, time.monotonic_ns())
    try:
        yield
    finally:
        report(tracer)
