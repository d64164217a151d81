"""``pyrunc run``."""

from __future__ import annotations

from contextlib import suppress

from pyrunc.cli.command import Command
from pyrunc.cli.creation import add_options, check_terminal, has_terminal, load_spec, make
from pyrunc.cli.foreground import Foreground
from pyrunc.cli.options import Globals
from pyrunc.cli.parser import Parser, container_parser
from pyrunc.container import Container
from pyrunc.errors import ContainerNotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def _parser() -> Parser:
    parser = container_parser("run", "Create and start a container, and wait for its end.")
    add_options(parser)
    parser.add_argument("--detach", "-d", action="store_true", help="do not wait")
    parser.add_argument("--keep", action="store_true", help="do not delete the container after its end")
    parser.add_argument("--no-subreaper", action="store_true", help="for runc's callers; there is none to be left out")
    return parser


def _run(arguments: Namespace, options: Globals) -> int:
    runtime, spec = options.runtime(making=True), load_spec(arguments)
    terminal = has_terminal(spec)
    check_terminal(terminal, arguments.console_socket, detached=arguments.detach)
    if arguments.detach:
        _start(make(arguments, runtime, spec))
        return 0
    with Foreground.begin(terminal=terminal) as foreground:
        container = make(arguments, runtime, spec)
        try:
            foreground.attach(container)
            _start(container)
            code = foreground.follow(container)
        except BaseException:
            _discard(container)
            raise
    if not arguments.keep:
        _discard(container)
    return code


def _start(container: Container) -> None:
    """A container whose program cannot be executed is not kept."""
    try:
        container.start()
    except BaseException:
        _discard(container)
        raise


def _discard(container: Container) -> None:
    with suppress(ContainerNotFound):
        container.delete(force=True)


COMMAND = Command(parser=_parser, run=_run, failed="pyrunc run failed")
