"""``pyctl top``: the processes of a container."""

from __future__ import annotations

from typing import Annotated

from pyctl.app.flags import Name, operand
from pyctl.app.format.tables import align
from pyctl.app.session import client

_LEAST_WIDTH = 20  # docker's for this table


def top(container: Name, arguments: Annotated[list[str] | None, operand("[ps OPTIONS]")] = None) -> None:
    """ContainerTop."""
    table = client().containers.top(container, " ".join(arguments or []) or None)
    print(align("\n".join("\t".join(row) for row in (table.titles, *table.processes)), _LEAST_WIDTH))
