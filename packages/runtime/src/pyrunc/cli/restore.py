"""``pyrunc restore``."""

from __future__ import annotations

from pyrunc.cli.command import Command
from pyrunc.cli.creation import has_terminal, write_pid
from pyrunc.cli.criu_options import DEFAULT_IMAGES, add_options, common
from pyrunc.cli.options import Globals
from pyrunc.cli.parser import Parser, container_parser
from pyrunc.errors import Unsupported, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

    from pyrunc.container import Container


def _parser() -> Parser:
    parser = container_parser("restore", "Make a container of what checkpoint has saved, and wait for its end.")
    add_options(parser)
    parser.add_argument("--bundle", "-b", metavar="DIRECTORY", default=".", help="with config.json (default: here)")
    parser.add_argument("--console-socket", metavar="SOCKET", default="", help="terminals cannot be restored")
    parser.add_argument("--detach", "-d", action="store_true", help="do not wait")
    parser.add_argument("--pid-file", metavar="FILE", help="write the pid of the container's process here")
    parser.add_argument("--no-subreaper", action="store_true", help="for runc's callers; there is none to be left out")
    parser.add_argument("--no-pivot", action="store_true", help="for runc's callers; criu knows no other way")
    parser.add_argument("--lsm-profile", metavar="TYPE:NAME", default="", help="instead of the profile of before")
    parser.add_argument("--lsm-mount-context", metavar="CONTEXT", default="", help="of SELinux, for the mounts")
    return parser


def _run(arguments: Namespace, options: Globals) -> int:
    from pyrunc.cli.foreground import Foreground
    from pyrunc.criu.options import RestoreOptions
    from pyrunc.spec import Spec

    if arguments.no_pivot:
        raise UsageError("--no-pivot: criu restores a root file system by pivot_root(2) only")
    runtime, spec = options.runtime(making=True), Spec.load(f"{arguments.bundle}/config.json")
    if (has_terminal(spec) and not arguments.shell_job) or arguments.console_socket:
        raise Unsupported("process.terminal", "this version cannot give a terminal to a restored container")
    wanted = RestoreOptions(
        lsm_profile=arguments.lsm_profile,
        lsm_mount_context=arguments.lsm_mount_context,
        **common(arguments, options),
    )
    with Foreground.begin(terminal=False) as foreground:
        images = arguments.image_path or DEFAULT_IMAGES
        container = runtime.restore(arguments.container, arguments.bundle, images, spec=spec, options=wanted)
        try:
            if arguments.pid_file:
                write_pid(arguments.pid_file, container.pid)
            if arguments.detach:
                return 0
            code = foreground.follow(container)
        except BaseException:
            _discard(container)
            raise
    _discard(container)
    return code


def _discard(container: Container) -> None:
    from contextlib import suppress

    from pyrunc.errors import ContainerNotFound

    with suppress(ContainerNotFound):
        container.delete(force=True)


COMMAND = Command(parser=_parser, run=_run)
