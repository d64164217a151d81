"""``pyctl exec``: run a command in a running container."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import attrs

from pyctl.app.commands import foreground
from pyctl.app.flags import Name, operand, switch, value
from pyctl.app.options.environment import collect
from pyctl.app.session import client
from pyctl.app.terminal import console
from pyctl.app.terminal.streams import Exchange, Wiring
from pyctl.errors import InvalidUsage, InvalidValue
from pyctl.models.create import ExecRequest

if TYPE_CHECKING:
    from pyctl.client import Client


@attrs.frozen(kw_only=True)
class ExecFlags:
    """How the command runs."""

    detach: Annotated[bool, switch("--detach", "-d", help="Detached mode: run command in the background")] = False
    detach_keys: Annotated[
        str | None, value("--detach-keys", help="Override the key sequence for detaching a container")
    ] = None
    env: Annotated[list[str], value("--env", "-e", metavar="list", help="Set environment variables")] = attrs.field(
        factory=list
    )
    env_file: Annotated[
        list[str], value("--env-file", metavar="list", help="Read in a file of environment variables")
    ] = attrs.field(factory=list)
    interactive: Annotated[bool, switch("--interactive", "-i", help="Keep STDIN open even if not attached")] = False
    privileged: Annotated[bool, switch("--privileged", help="Give extended privileges to the command")] = False
    tty: Annotated[bool, switch("--tty", "-t", help="Allocate a pseudo-TTY")] = False
    user: Annotated[str | None, value("--user", "-u", help='Username or UID (format: "<name|uid>[:<group|gid>]")')] = (
        None
    )
    workdir: Annotated[str | None, value("--workdir", "-w", help="Working directory inside the container")] = None


def exec_(container: Name, command: Annotated[list[str], operand("COMMAND [ARG...]")], flags: ExecFlags) -> int:
    """ExecCreate and ExecStart; exits as the command does, with 126 when it is not executable, 127 when not found."""
    request = _request(command, flags)
    found = client().containers.inspect(container)
    console.check_input(attached=bool(request.attach_stdin), wants_tty=flags.tty)
    exec_id = client().execs.create(found.id, request)
    if flags.detach:
        client().execs.start_detached(exec_id, tty=flags.tty)
        return 0
    return _in_foreground(exec_id, flags)


def _request(command: list[str], flags: ExecFlags) -> ExecRequest:
    attached = not flags.detach
    size = console.size() if flags.tty else None
    try:
        environment = collect(flags.env_file, flags.env, os.environ)
    except InvalidValue as error:
        raise InvalidUsage(str(error)) from error  # 1 here, where ``run`` exits with 125
    return ExecRequest(
        cmd=command,
        attach_stdin=(attached and flags.interactive) or None,
        attach_stdout=attached or None,
        attach_stderr=attached or None,
        tty=flags.tty or None,
        detach_keys=flags.detach_keys,
        env=environment or None,
        user=flags.user,
        working_dir=flags.workdir,
        privileged=flags.privileged or None,
        console_size=list(size) if size else None,
    )


def _in_foreground(exec_id: str, flags: ExecFlags) -> int:
    keys = foreground.key_sequence(flags.detach_keys) if flags.tty else None

    def resize(sender: Client, rows: int, columns: int) -> None:
        sender.execs.resize(exec_id, rows, columns)

    with client().execs.start(exec_id, tty=flags.tty) as connection:
        exchange = Exchange(connection, Wiring(tty=flags.tty, stdin=flags.interactive, detach_keys=keys))
        with exchange.begun(), foreground.resizing(resize) if flags.tty else nullcontext():
            exchange.finish()
    return client().execs.inspect(exec_id).exit_code
