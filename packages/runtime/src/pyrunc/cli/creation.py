"""What ``create`` and ``run`` have in common: their options, and making the container."""

from __future__ import annotations

import os

from pyrunc.cli.inherited import Inherited
from pyrunc.cli.parser import Parser, count
from pyrunc.container import Container
from pyrunc.errors import UsageError
from pyrunc.runtime import Runtime
from pyrunc.spec import Spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def add_options(parser: Parser) -> None:
    """Those that runc's two commands share, and crun's ``--config``."""
    parser.add_argument("--bundle", "-b", metavar="DIRECTORY", default=".", help="with config.json (default: here)")
    parser.add_argument("--config", "-f", metavar="FILE", help="instead of the bundle's config.json")
    parser.add_argument("--console-socket", metavar="SOCKET", help="who listens here gets the terminal")
    parser.add_argument("--pid-file", metavar="FILE", help="write the pid of the container's process here")
    parser.add_argument("--no-pivot", action="store_true", help="for a root on the initramfs, which cannot be pivoted")
    parser.add_argument("--no-new-keyring", action="store_true", help="keep the caller's session keyring")
    parser.add_argument(
        "--preserve-fds", metavar="N", type=count, default=0, help="pass on N descriptors beside LISTEN_FDS"
    )


def load_spec(arguments: Namespace) -> Spec:
    """Raises SpecError."""
    return Spec.load(arguments.config or os.path.join(arguments.bundle, "config.json"))


def has_terminal(spec: Spec) -> bool:
    """Whether the container's process asks for one."""
    return spec.process is not None and spec.process.terminal


def check_terminal(terminal: bool, console_socket: str | None, *, detached: bool) -> None:
    """The rules of runc. Raises UsageError."""
    if detached and terminal and not console_socket:
        raise UsageError("a terminal needs --console-socket here: nobody would be left to serve it")
    if console_socket and not (detached and terminal):
        raise UsageError(
            "--console-socket is for a process with a terminal that is left to itself, by create or --detach"
        )


def make(arguments: Namespace, runtime: Runtime, spec: Spec) -> Container:
    """The container, waiting for start, and its pid in the file. Raises what Runtime.create does; then nothing is left."""
    inherited = Inherited.find(arguments.preserve_fds)
    container = runtime.create(
        arguments.container,
        arguments.bundle,
        spec=inherited.announced(spec),
        console_socket=arguments.console_socket,
        preserve_fds=inherited.count,
        no_pivot=arguments.no_pivot,
        no_new_keyring=arguments.no_new_keyring,
    )
    try:
        if arguments.pid_file:
            write_pid(arguments.pid_file, container.pid)
    except BaseException:
        container.delete(force=True)
        raise
    return container


def write_pid(path: str, pid: int) -> None:
    """In place at once: who waits for the file must not find half of the number. Raises OSError."""
    directory, name = os.path.split(path)
    fresh = os.path.join(directory, f".{name}.{os.getpid()}")
    with open(fresh, "w", encoding="ascii") as file:
        file.write(str(pid))
    os.rename(fresh, path)
