"""``pyctl ps``: list containers."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import attrs

from pyctl.app.flags import switch, value
from pyctl.app.format.containers import CONTAINERS, container_row
from pyctl.app.format.listing import Format
from pyctl.app.options.filters import Filter, collected, filter_
from pyctl.app.session import client, complain

_FAILURES = ("failed to parse template", "failed to execute template")
_WITHOUT_FIELDS = (None, "", "table", "json", "raw")


@attrs.frozen(kw_only=True)
class ListFlags:
    """Which containers, and how they are shown."""

    all: Annotated[bool, switch("--all", "-a", help="Show all containers (default shows just running)")] = False
    filter: Annotated[
        list[Filter],
        value("--filter", "-f", metavar="filter", help="Filter output based on conditions provided", read=filter_),
    ] = attrs.field(factory=list)
    format: Annotated[
        str | None,
        value("--format", help="Format output: 'table', 'table TEMPLATE', 'json', or a Go template for each container"),
    ] = None
    last: Annotated[
        int, value("--last", "-n", metavar="int", help="Show n last created containers (includes all states)")
    ] = -1
    latest: Annotated[
        bool, switch("--latest", "-l", help="Show the latest created container (includes all states)")
    ] = False
    no_trunc: Annotated[bool, switch("--no-trunc", help="Don't truncate output")] = False
    quiet: Annotated[bool, switch("--quiet", "-q", help="Only display container IDs")] = False
    size: Annotated[bool, switch("--size", "-s", help="Display total file sizes")] = False


def ps(flags: ListFlags) -> None:
    """ContainerList."""
    given = flags.format
    if given and flags.quiet:
        complain("WARNING: Ignoring custom format, because both --format and --quiet are set.")
        given = None
    columns = (*CONTAINERS.default, "Size") if flags.size else CONTAINERS.default
    layout = Format.read(given, CONTAINERS, quiet=flags.quiet, columns=columns)
    # Sizes cost a walk over the file systems: they are asked for only where they are shown.
    size = flags.size or (given not in _WITHOUT_FIELDS and layout.uses("Size", _FAILURES))
    limit = 1 if flags.latest else flags.last
    found = client().containers.list(
        all=flags.all, limit=limit if limit > 0 else None, size=size, filters=collected(flags.filter)
    )
    now = time.time()
    sys.stdout.write(
        layout.render(container_row(container, truncate=not flags.no_trunc, now=now) for container in found)
    )
