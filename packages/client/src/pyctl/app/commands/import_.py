"""``pyctl import``: an image from a root file system tar."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

from pyctl.app.commands.archives import opened
from pyctl.app.commands.progress import show
from pyctl.app.flags import operand, value
from pyctl.app.references import checked
from pyctl.app.session import client


def import_(
    source: Annotated[str, operand("file|URL|-")],
    references: Annotated[list[str] | None, operand("[REPOSITORY[:TAG]]")] = None,
    change: Annotated[
        list[str] | None,
        value("--change", "-c", metavar="list", help="Apply Dockerfile instruction to the created image"),
    ] = None,
    message: Annotated[str, value("--message", "-m", help="Set commit message for imported image")] = "",
    platform: Annotated[
        str | None, value("--platform", help="Set platform if server is multi-platform capable")
    ] = None,
) -> None:
    """ImageCreate from a tar, which the daemon fetches itself when it is a URL; prints the ID."""
    name = checked(references[0]) if references else ""  # as docker: what follows is not looked at
    with ExitStack() as stack:
        is_url = source.startswith(("http://", "https://"))
        body = None if is_url else opened(None if source == "-" else source, stack)
        show(
            client().images.import_(
                body, url=source if is_url else "-", reference=name, message=message, changes=change, platform=platform
            )
        )
