"""``pyctl logs``: print a container's output so far, and go on with ``--follow``."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import attrs

from pyctl.app.flags import Name, switch, value
from pyctl.app.options.moments import flag_moment
from pyctl.app.session import client
from pyctl.streams import copy


@attrs.frozen(kw_only=True)
class LogFlags:
    """Which part of the log, and how a line is shown."""

    details: Annotated[bool, switch("--details", help="Show extra details provided to logs")] = False
    follow: Annotated[bool, switch("--follow", "-f", help="Follow log output")] = False
    since: Annotated[
        str | None,
        value("--since", help='Show logs since timestamp ("2013-01-02T13:23:37Z") or relative ("42m" for 42 minutes)'),
    ] = None
    until: Annotated[str | None, value("--until", help="Show logs before a timestamp or relative time")] = None
    tail: Annotated[str, value("--tail", "-n", help="Number of lines to show from the end of the logs")] = "all"
    timestamps: Annotated[bool, switch("--timestamps", "-t", help="Show timestamps")] = False


def logs(container: Name, flags: LogFlags) -> None:
    """ContainerLogs; what the container wrote to standard error goes there."""
    found = client().containers.inspect(container)
    now = time.time()
    pieces = client().containers.logs(
        found.id,
        tty=found.config.tty,
        follow=flags.follow,
        since=flag_moment("since", flags.since, now),
        until=flag_moment("until", flags.until, now),
        timestamps=flags.timestamps,
        tail=flags.tail,
        details=flags.details,
    )
    copy(pieces, sys.stdout.buffer, sys.stderr.buffer)
