"""``pyrunc exec``."""

from __future__ import annotations

import json

from pyrunc.cli.command import Command
from pyrunc.cli.creation import check_terminal, write_pid
from pyrunc.cli.foreground import Foreground
from pyrunc.cli.inherited import Inherited
from pyrunc.cli.options import Globals
from pyrunc.cli.parser import Parser, container_parser, count
from pyrunc.errors import SpecError, UsageError
from pyrunc.model import evolve
from pyrunc.spec import Capabilities, Process, User
from pyrunc.stdio import Stdio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from pyrunc.container import Container
    from pyrunc.execs import ExecProcess

_FAILED = 255


def _parser() -> Parser:
    usage = "container-id command [arguments] | --process FILE container-id"
    parser = container_parser("exec", "Run one more process in a container.", usage=usage)
    parser.add_argument("command", nargs="...", help="what to run, instead of --process")
    parser.add_argument("--process", "-p", metavar="FILE", help="the process as JSON, like process of config.json")
    parser.add_argument("--tty", "-t", action="store_true", help="with a terminal")
    parser.add_argument("--user", "-u", metavar="UID[:GID]", help="as this user")
    parser.add_argument("--additional-gids", "-g", metavar="GID", type=int, action="append", default=[])
    parser.add_argument("--env", "-e", metavar="NAME=VALUE", action="append", default=[])
    parser.add_argument("--cwd", metavar="DIRECTORY", help="working directory in the container")
    parser.add_argument("--cap", "-c", metavar="CAP_NAME", action="append", default=[], help="one more capability")
    parser.add_argument("--no-new-privs", action="store_true", help="no more privileges by setuid programs")
    parser.add_argument("--apparmor", metavar="PROFILE")
    parser.add_argument("--process-label", metavar="LABEL", help="SELinux label")
    parser.add_argument("--detach", "-d", action="store_true", help="do not wait")
    parser.add_argument("--pid-file", metavar="FILE", help="write the pid of the process here")
    parser.add_argument("--console-socket", metavar="SOCKET", help="who listens here gets the terminal")
    parser.add_argument(
        "--preserve-fds", metavar="N", type=count, default=0, help="pass on N descriptors beside LISTEN_FDS"
    )
    parser.add_argument(
        "--cgroup", metavar="[CONTROLLER:]PATH", action="append", default=[], help="in a cgroup below the container's"
    )
    parser.add_argument("--ignore-paused", action="store_true", help="also in a paused container, where it will wait")
    return parser


def _run(arguments: Namespace, options: Globals) -> int:
    container = options.runtime(making=True).get(arguments.container)
    process = _process(arguments, container)
    check_terminal(process.terminal, arguments.console_socket, detached=arguments.detach)
    if arguments.detach:
        _exec(arguments, container, process)
        return 0
    with Foreground.begin(terminal=process.terminal) as foreground:
        started = _exec(arguments, container, process)
        foreground.attach(started)
        return foreground.follow(started)


def _exec(arguments: Namespace, container: Container, process: Process) -> ExecProcess:
    inherited = Inherited.find(arguments.preserve_fds)
    started = container.exec(
        inherited.announced_to(process),
        stdio=Stdio.inherit(),
        preserve_fds=inherited.count,
        console_socket=arguments.console_socket,
        ignore_paused=arguments.ignore_paused,
        cgroups=_cgroups(arguments.cgroup),
    )
    try:
        if arguments.pid_file:
            write_pid(arguments.pid_file, started.pid)
    except BaseException:
        started.kill("KILL")
        raise
    return started


def _process(arguments: Namespace, container: Container) -> Process:
    if arguments.process:
        return _load(arguments.process)
    if not arguments.command:
        raise UsageError("pyrunc exec: what is to be run? give a command, or a file with --process")
    own = container.spec().process or Process(cwd="/")
    return evolve(
        own,
        args=tuple(arguments.command),
        terminal=arguments.tty,
        console_size=None,
        cwd=arguments.cwd or own.cwd,
        env=(*own.env, *arguments.env),
        user=_user(arguments, own),
        capabilities=_capabilities(arguments.cap, own.capabilities),
        no_new_privileges=arguments.no_new_privs or own.no_new_privileges,
        apparmor_profile=arguments.apparmor or own.apparmor_profile,
        selinux_label=arguments.process_label or own.selinux_label,
    )


def _cgroups(named: list[str]) -> dict[str, str]:
    """By controller, or ``""`` for one path without any. Raises UsageError."""
    found: dict[str, str] = {}
    for argument in named:
        controllers, colon, path = argument.rpartition(":")
        if ":" in controllers or (not colon and len(named) > 1):
            raise UsageError(f"--cgroup: expected CONTROLLER:PATH, or one path alone, got {argument!r}")
        for controller in controllers.split(","):
            if controller in found:
                raise UsageError(f"--cgroup: the controller {controller!r} is named twice")
            found[controller] = path
    return found


def _load(path: str) -> Process:
    """Raises SpecError, OSError."""
    with open(path, "rb") as file:
        content = file.read()
    try:
        return Process.from_json(json.loads(content), "process")
    except (ValueError, RecursionError) as error:
        raise SpecError("process", f"{path} is not JSON: {error}") from error


def _user(arguments: Namespace, own: Process) -> User:
    uid, colon, gid = (arguments.user or "").partition(":")
    return evolve(
        own.user,
        uid=_number(uid, "user") if uid else own.user.uid,
        gid=_number(gid, "group") if colon else own.user.gid,
        additional_gids=(*own.user.additional_gids, *arguments.additional_gids),
    )


def _number(text: str, what: str) -> int:
    if not text.isdecimal() or int(text) >= 2**32:
        raise UsageError(f"--user: expected the number of a {what}, got {text!r}; names are the image's affair")
    return int(text)


def _capabilities(added: list[str], own: Capabilities | None) -> Capabilities | None:
    """As runc adds them: to all sets but the inheritable one (CVE-2022-29162)."""
    if not added:
        return own
    own = own or Capabilities()
    return evolve(
        own,
        bounding=(*own.bounding, *added),
        effective=(*own.effective, *added),
        permitted=(*own.permitted, *added),
        ambient=(*own.ambient, *added),
    )


COMMAND = Command(parser=_parser, run=_run, failed="exec failed", code=_FAILED)
