"""``pyctl logs``: print a container's output so far, and go on with ``--follow``."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import attrs

from pyctl.app.flags import Names, switch, value
from pyctl.app.options.moments import flag_moment
from pyctl.app.session import client
from pyctl.errors import InvalidValue
from pyctl.streams import Piece, copy

if TYPE_CHECKING:
    from pyctl.client import Client


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise InvalidValue(f"no regular expression: {error}") from None


@attrs.frozen(kw_only=True)
class LogFlags:
    """Which part of the log, and how a line is shown."""

    details: Annotated[bool, switch("--details", help="Show extra details provided to logs")] = False
    follow: Annotated[bool, switch("--follow", "-f", help="Follow log output")] = False
    grep: Annotated[
        re.Pattern[str] | None,
        value("--grep", metavar="regex", help="Show only lines that match (not docker's)", read=_pattern),
    ] = None
    since: Annotated[
        str | None,
        value("--since", help='Show logs since timestamp ("2013-01-02T13:23:37Z") or relative ("42m" for 42 minutes)'),
    ] = None
    until: Annotated[str | None, value("--until", help="Show logs before a timestamp or relative time")] = None
    tail: Annotated[str, value("--tail", "-n", help="Number of lines to show from the end of the logs")] = "all"
    timestamps: Annotated[bool, switch("--timestamps", "-t", help="Show timestamps")] = False


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
