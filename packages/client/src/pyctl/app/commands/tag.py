"""``pyctl tag``: one more name for an image."""

from __future__ import annotations

from typing import Annotated

from pyctl.app.flags import operand
from pyctl.app.references import checked, split
from pyctl.app.session import client
from pyctl.errors import InvalidUsage


def tag(
    source: Annotated[str, operand("SOURCE_IMAGE[:TAG]")], target: Annotated[str, operand("TARGET_IMAGE[:TAG]")]
) -> None:
    """ImageTag."""
    try:
        repository, name = split(checked(target))
    except InvalidUsage as error:
        raise InvalidUsage(f'Error parsing reference: "{target}" is not a valid repository/tag: {error}') from error
    client().images.tag(source, repository, name or "latest")
