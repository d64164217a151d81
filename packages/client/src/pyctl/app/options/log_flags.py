"""The flags of ``logs``."""

from __future__ import annotations

import re
from typing import Annotated

import attrs

from pyctl.app.flags import switch, value
from pyctl.errors import InvalidValue


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
