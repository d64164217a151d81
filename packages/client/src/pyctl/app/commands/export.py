"""``pyctl export``: the files of a container as an archive."""

from __future__ import annotations

from typing import Annotated

from pyctl.app.commands.archives import written
from pyctl.app.flags import Name, value
from pyctl.app.session import client


def export(
    container: Name,
    output: Annotated[str | None, value("--output", "-o", help="Write to a file, instead of STDOUT")] = None,
) -> None:
    """ContainerExport."""
    with written(output, "failed to export container", "export") as take:
        take(client().containers.export(container))
