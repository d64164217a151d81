"""The options before the command, the list of commands, and the Runtime that they lead to."""

from __future__ import annotations

import os
from collections.abc import Sequence

from pyrunc.cli.parser import Parser
from pyrunc.errors import Unsupported
from pyrunc.model import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from pyrunc.runtime import Runtime

COMMANDS = {
    "checkpoint": "save the processes of a container by criu, and end it",
    "create": "make a container that waits to be started",
    "delete": "remove a container that has ended, or with --force any",
    "events": "print what happens to a container, and what it uses",
    "exec": "run one more process in a container",
    "explain": "print what would be done to the machine for a bundle, or was done for a container",
    "features": "print what this runtime can do",
    "kill": "send a signal to a container",
    "list": "list the containers below the root",
    "pause": "freeze all processes of a container",
    "ps": "list the processes of a container",
    "restore": "make a container of what checkpoint has saved",
    "resume": "let a paused container go on",
    "run": "create and start a container, and wait for its end",
    "spec": "write a config.json to begin with",
    "start": "start a created container",
    "state": "print the state of a container as JSON",
    "update": "change the limits of a container",
}


@frozen(kw_only=True)
class Globals:
    """``rest`` are the arguments of the command."""

    root: str
    log: str
    log_format: Literal["text", "json"]
    debug: bool
    systemd_cgroup: bool
    cgroup_manager: str
    rootless: str
    criu: str
    command: str
    rest: tuple[str, ...]

    def runtime(self, *, making: bool = False) -> Runtime:
        """``making``: processes will be made by it. Raises Unsupported where systemd is asked for and does not run."""
        from pyrunc.runtime import Runtime

        if making:
            self._keep_filters()
        if self.systemd_cgroup or self.cgroup_manager == "systemd":
            self._require_systemd()
            return Runtime(self.root, cgroup_manager="systemd")
        return Runtime(self.root, cgroup_manager="disabled" if self._without_cgroups() else "cgroupfs")

    def _require_systemd(self) -> None:
        """Here, where the option's name is known."""
        option = "--systemd-cgroup" if self.systemd_cgroup else "--cgroup-manager"
        if not os.path.isdir("/run/systemd/system"):  # sd_booted(3)
            raise Unsupported(
                option, "systemd does not run on this machine: leave the option out, cgroupfs is used then"
            )
        if os.geteuid() != 0:
            raise Unsupported(option, "only root can ask systemd for cgroups by this version: leave the option out")

    def _keep_filters(self) -> None:
        """Assembling a filter takes longer than everything else."""
        from pyrunc.seccomp import keep_filters

        keep_filters(os.path.join(self.root, "@filters"))  # no container's name: "@" is not allowed in one

    def _without_cgroups(self) -> bool:
        """``--rootless``: cgroups that may not be made are done without, as in runc; limits are refused then, not forgotten."""
        if self.cgroup_manager == "disabled":
            return True
        if self.rootless == "false" or (self.rootless == "auto" and os.geteuid() == 0):
            return False
        from pyrunc.facts import Facts

        return not any(os.access(hierarchy.mountpoint, os.W_OK) for hierarchy in Facts.probe().hierarchies)


def parse(arguments: Sequence[str]) -> Globals:
    """Split global options from the command and its arguments. Raises UsageError; SystemExit(0) once help or version are printed."""
    parser = _parser()
    found = parser.parse_args(arguments)
    if found.version:
        _print_version()
        raise SystemExit(0)
    if found.command in (None, "help"):
        parser.print_help()
        raise SystemExit(0)
    return Globals(
        root=found.root or _default_root(),
        log=found.log,
        log_format=found.log_format,
        debug=found.debug,
        systemd_cgroup=found.systemd_cgroup,
        cgroup_manager=found.cgroup_manager,
        rootless=found.rootless,
        criu=found.criu,
        command=found.command,
        rest=tuple(found.rest),
    )


def _parser() -> Parser:
    listed = "\n".join(f"  {name:10} {about}" for name, about in COMMANDS.items())
    parser = Parser("", "Run OCI containers.", usage="command [arguments]", epilog=f"commands:\n{listed}")
    parser.add_argument("--root", metavar="DIRECTORY", help="where containers are kept; on a tmpfs")
    parser.add_argument("--log", metavar="FILE", default="", help="append errors to this file (default: stderr)")
    parser.add_argument("--log-format", choices=("text", "json"), default="text", help="the form of the log")
    parser.add_argument("--debug", action="store_true", help="log also what is done, and how long it takes")
    parser.add_argument("--systemd-cgroup", action="store_true", help="ask systemd for cgroups")
    parser.add_argument(
        "--cgroup-manager", choices=("cgroupfs", "systemd", "disabled"), default="cgroupfs", help="as crun's"
    )
    parser.add_argument(
        "--rootless", choices=("true", "false", "auto"), default="auto", help="do without cgroups that may not be made"
    )
    parser.add_argument("--criu", metavar="PROGRAM", default="criu", help="for checkpoint and restore (default: criu)")
    parser.add_argument("--version", "-v", action="store_true", help="print the version")
    parser.add_argument("command", nargs="?")
    parser.add_argument("rest", nargs="...", metavar="arguments")
    return parser


def _default_root() -> str:
    """/run/pyrunc; for other users below their own run-time directory, as /run is not theirs to write to."""
    own = os.environ.get("XDG_RUNTIME_DIR", "")
    return f"{own}/pyrunc" if own and os.geteuid() != 0 else "/run/pyrunc"


def _print_version() -> None:
    """In runc's words: dockerd and containerd read them."""
    from pyrunc.version import OCI_VERSION, VERSION

    print(f"pyrunc version {VERSION}\nspec: {OCI_VERSION}")
