"""``pyctl rmi``: remove images."""

from __future__ import annotations

from typing import Annotated

from pyctl.app.flags import operand, switch
from pyctl.app.session import client, complain
from pyctl.errors import ApiError, NotFound


def rmi(
    images: Annotated[list[str], operand("IMAGE [IMAGE...]")],
    force: Annotated[bool, switch("--force", "-f", help="Force removal of the image")] = False,
    no_prune: Annotated[bool, switch("--no-prune", help="Do not delete untagged parents")] = False,
) -> int:
    """ImageDelete; with ``--force`` an image that is not there is only worth a message."""
    failures: list[ApiError] = []
    for image in images:
        try:
            steps = client().images.remove(image, force=force, no_prune=no_prune)
        except ApiError as error:
            failures.append(error)
            continue
        for step in steps:
            print(f"Deleted: {step.deleted}" if step.deleted else f"Untagged: {step.untagged}", flush=True)
    for failure in failures:
        complain(str(failure))
    return int(any(not (force and isinstance(failure, NotFound)) for failure in failures))
