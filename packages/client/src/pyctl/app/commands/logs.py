"""``pyctl logs``: print a container's output so far, and go on with ``--follow``."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from pyctl.app.flags import Names
from pyctl.app.options.log_flags import LogFlags
from pyctl.app.options.moments import flag_moment
from pyctl.app.session import client
from pyctl.streams import Piece, copy

if TYPE_CHECKING:
    from pyctl.client import Client


def logs(containers: Names, flags: LogFlags) -> None:
    """ContainerLogs; what the container wrote to standard error goes there. Of several, each line says whose it is."""
    since, until = flag_moment("since", flags.since, now := time.time()), flag_moment("until", flags.until, now)
    flags = attrs.evolve(flags, since=since, until=until)
    if len(containers) == 1 and flags.grep is None:
        copy(pieces(client(), containers[0], flags), sys.stdout.buffer, sys.stderr.buffer)
        return
    from pyctl.app.commands.several_logs import show

    show(containers, flags, pieces)


def pieces(of: Client, container: str, flags: LogFlags) -> Iterator[Piece]:
    """Of one container, with moments that are understood."""
    found = of.containers.inspect(container)
    return of.containers.logs(
        found.id,
        tty=found.config.tty,
        follow=flags.follow,
        since=flags.since,
        until=flags.until,
        timestamps=flags.timestamps,
        tail=flags.tail,
        details=flags.details,
    )
