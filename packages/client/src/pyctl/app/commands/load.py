"""``pyctl load``: images from an archive."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import Annotated

from pyctl.app.commands.archives import opened
from pyctl.app.commands.progress import show
from pyctl.app.flags import switch, value
from pyctl.app.session import client
from pyctl.errors import InvalidUsage


def load(
    input: Annotated[str | None, value("--input", "-i", help="Read from tar archive file, instead of STDIN")] = None,
    platform: Annotated[str | None, value("--platform", help="Load only the given platform variant")] = None,
    quiet: Annotated[bool, switch("--quiet", "-q", help="Suppress the load output")] = False,
) -> None:
    """ImageLoad."""
    if input is None and sys.stdin.isatty():
        raise InvalidUsage("requested load from stdin, but stdin is empty")
    with ExitStack() as stack:
        show(client().images.load(opened(input, stack), quiet=quiet, platform=platform))
