"""``pyrunc checkpoint``."""

from __future__ import annotations

from pyrunc.cli.command import Command
from pyrunc.cli.criu_options import DEFAULT_IMAGES, add_options, common
from pyrunc.cli.options import Globals
from pyrunc.cli.parser import Parser, container_parser
from pyrunc.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def _parser() -> Parser:
    parser = container_parser("checkpoint", "Save the processes of a container with criu, and remove the container.")
    add_options(parser)
    parser.add_argument("--leave-running", action="store_true", help="let the container run on")
    parser.add_argument("--pre-dump", action="store_true", help="save memory only, and let the container run on")
    parser.add_argument("--parent-path", metavar="DIRECTORY", default="", help="of a pre-dump, relative to the images")
    parser.add_argument("--page-server", metavar="ADDRESS:PORT", default="", help="send memory there")
    parser.add_argument("--status-fd", metavar="N", type=int, default=-1, help="gets a byte when lazy pages are ready")
    return parser


def _run(arguments: Namespace, options: Globals) -> int:
    from pyrunc.criu.options import CheckpointOptions

    if arguments.parent_path.startswith("/"):
        raise UsageError("--parent-path must be relative to the images' directory")
    server = arguments.page_server
    if server and not (":" in server and server.rpartition(":")[2].isdecimal()):
        raise UsageError(f"--page-server: use ADDRESS:PORT to specify it, not {server!r}")
    if arguments.lazy_pages and not server:
        raise UsageError("--lazy-pages: say by --page-server ADDRESS:PORT where the pages can be had")
    container = options.runtime().get(arguments.container)
    wanted = CheckpointOptions(
        leave_running=arguments.leave_running,
        pre_dump=arguments.pre_dump,
        parent_path=arguments.parent_path,
        page_server=server,
        status_fd=arguments.status_fd,
        **common(arguments, options),
    )
    container.checkpoint(arguments.image_path or DEFAULT_IMAGES, wanted)
    if not (arguments.leave_running or arguments.pre_dump):
        container.delete(force=True)
    return 0


COMMAND = Command(parser=_parser, run=_run)
