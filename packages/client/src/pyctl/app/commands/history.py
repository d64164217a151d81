"""``pyctl history``: the steps an image was made in."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Annotated

import attrs

from pyctl.app.flags import operand, switch, value
from pyctl.app.format.gotemplate import Row, Value
from pyctl.app.format.listing import Format, Layout
from pyctl.app.format.units import decimal_size, duration, short_id, shorten
from pyctl.app.session import client
from pyctl.models.images import HistoryStep

_COMMAND_WIDTH = 45
_LAYOUT = Layout(
    default=("ID", "CreatedSince", "CreatedBy", "Size", "Comment"),
    titles={
        "Comment": "COMMENT",
        "CreatedAt": "CREATED AT",
        "CreatedBy": "CREATED BY",
        "CreatedSince": "CREATED",
        "ID": "IMAGE",
        "Size": "SIZE",
    },
    go_type="*image.historyContext",
)


@attrs.frozen(kw_only=True)
class HistoryFlags:
    """How a step is shown."""

    format: Annotated[
        str | None, value("--format", help="Format output: 'table', 'table TEMPLATE', 'json', or a Go template")
    ] = None
    human: Annotated[
        bool, switch("--human/--no-human", "-H", help="Print sizes and dates in human readable format (default true)")
    ] = True
    no_trunc: Annotated[bool, switch("--no-trunc", help="Don't truncate output")] = False
    quiet: Annotated[bool, switch("--quiet", "-q", help="Only show image IDs")] = False


def history(image: Annotated[str, operand("IMAGE")], flags: HistoryFlags) -> None:
    """ImageHistory."""
    columns = _LAYOUT.default if flags.human else ("ID", "CreatedAt", "CreatedBy", "Size", "Comment")
    layout = Format.read(flags.format, _LAYOUT, quiet=flags.quiet, columns=columns)
    now = time.time()
    sys.stdout.write(layout.render(_row(step, flags, now) for step in client().images.history(image)))


def _row(step: HistoryStep, flags: HistoryFlags, now: float) -> Row:
    command = step.created_by.replace("\t", " ")
    columns: dict[str, Value] = {
        "Comment": step.comment,
        "CreatedAt": f"{datetime.fromtimestamp(step.created, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "CreatedBy": command if flags.no_trunc else shorten(command, _COMMAND_WIDTH),
        "CreatedSince": duration(now - step.created) + " ago" if step.created else "N/A",
        "ID": step.id if flags.no_trunc else short_id(step.id),
        "Size": decimal_size(step.size, 3) if flags.human else str(step.size),
    }
    return Row(_LAYOUT.go_type, columns)
