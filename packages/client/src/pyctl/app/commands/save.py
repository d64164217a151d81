"""``pyctl save``: images as an archive."""

from __future__ import annotations

from typing import Annotated

from pyctl.app.commands.archives import written
from pyctl.app.flags import operand, value
from pyctl.app.session import client


def save(
    images: Annotated[list[str], operand("IMAGE [IMAGE...]")],
    output: Annotated[str | None, value("--output", "-o", help="Write to a file, instead of STDOUT")] = None,
    platform: Annotated[str | None, value("--platform", help="Save only the given platform variant")] = None,
) -> None:
    """ImageGetAll."""
    with written(output, "failed to save image", "save") as take:
        take(client().images.save(images, platform=platform))
