"""``pyctl create``: make a container, do not start it."""

from __future__ import annotations

from typing import Annotated

from pyctl.app.commands.creation import create as create_container
from pyctl.app.commands.creation import request_of
from pyctl.app.flags import operand
from pyctl.app.options.container_flags import ContainerFlags


def create(
    image: Annotated[str, operand("IMAGE")],
    flags: ContainerFlags,
    command: Annotated[list[str] | None, operand("[COMMAND] [ARG...]")] = None,
) -> None:
    """ContainerCreate; prints the ID."""

    print(create_container(flags, request_of(flags, image, command or [])).id)
