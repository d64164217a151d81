"""``pyctl commit``: an image from what a container has made of its files."""

from __future__ import annotations

from typing import Annotated

from pyctl.app.flags import Name, operand, switch, value
from pyctl.app.references import checked, split
from pyctl.app.session import client
from pyctl.errors import InvalidUsage


def commit(
    container: Name,
    reference: Annotated[str | None, operand("[REPOSITORY[:TAG]]")] = None,
    author: Annotated[
        str, value("--author", "-a", help='Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")')
    ] = "",
    change: Annotated[
        list[str] | None,
        value("--change", "-c", metavar="list", help="Apply Dockerfile instruction to the created image"),
    ] = None,
    message: Annotated[str, value("--message", "-m", help="Commit message")] = "",
    pause: Annotated[
        bool, switch("--pause/--no-pause", "-p", help="Pause container during commit (default true)")
    ] = True,
) -> None:
    """ImageCommit; prints the ID."""
    repository, tag = _name(reference) if reference else (None, None)
    print(
        client().images.commit(
            container,
            repository=repository,
            tag=tag,
            author=author,
            message=message,
            changes=change or [],
            pause=pause,
        )
    )


def _name(reference: str) -> tuple[str, str]:
    if "@" in checked(reference):
        raise InvalidUsage("refusing to create a tag with a digest reference")
    repository, tag = split(reference)
    return repository, tag or "latest"
