"""What ``checkpoint`` and ``restore`` have in common: their flags, which are runc's."""

from __future__ import annotations

from pyrunc.cli.options import Globals
from pyrunc.cli.parser import Parser
from pyrunc.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from typing import Any

DEFAULT_IMAGES = "checkpoint"


def add_options(parser: Parser) -> None:
    """Those of both commands."""
    parser.add_argument(
        "--image-path", metavar="DIRECTORY", default="", help=f"of the images (default: {DEFAULT_IMAGES})"
    )
    parser.add_argument("--work-path", metavar="DIRECTORY", default="", help="for criu's logs (default: the images')")
    parser.add_argument("--tcp-established", action="store_true", help="allow open TCP connections")
    parser.add_argument("--ext-unix-sk", action="store_true", help="allow unix sockets that lead outside")
    parser.add_argument("--shell-job", action="store_true", help="allow a session that was begun outside")
    parser.add_argument("--file-locks", action="store_true", help="allow locked files")
    parser.add_argument("--lazy-pages", action="store_true", help="restore memory when it is used (userfaultfd)")
    parser.add_argument("--auto-dedup", action="store_true", help="free memory in the images that a newer image has")
    parser.add_argument(
        "--manage-cgroups-mode", metavar="MODE", choices=("soft", "full", "strict", "ignore"), default="soft"
    )
    parser.add_argument(
        "--empty-ns", metavar="KIND", action="append", default=[], help="make this namespace, not its content (network)"
    )


def common(arguments: Namespace, options: Globals) -> dict[str, Any]:
    """For CheckpointOptions and RestoreOptions. Raises UsageError."""
    for kind in arguments.empty_ns:
        if kind != "network":
            raise UsageError(f'--empty-ns: "{kind}" cannot be left empty: criu can do that with "network" only')
    return {
        "program": options.criu,
        "work_path": arguments.work_path,
        "tcp_established": arguments.tcp_established,
        "ext_unix_sk": arguments.ext_unix_sk,
        "shell_job": arguments.shell_job,
        "file_locks": arguments.file_locks,
        "lazy_pages": arguments.lazy_pages,
        "auto_dedup": arguments.auto_dedup,
        "manage_cgroups": arguments.manage_cgroups_mode,
        "empty_ns": tuple(arguments.empty_ns),
    }
