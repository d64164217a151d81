# No ``from __future__ import annotations`` here: the annotations are the declarations of the flags.
"""``pyctl update``: other limits and another restart policy for containers that exist."""

from typing import Annotated

import attrs

from pyctl.app.commands.lifecycle import for_each
from pyctl.app.flags import Names, value
from pyctl.app.options import values
from pyctl.app.options.container_flags import LimitFlags
from pyctl.app.options.request import limits
from pyctl.app.session import client, complain
from pyctl.errors import InvalidUsage, InvalidValue
from pyctl.models.create import HostConfig, RestartPolicy


@attrs.frozen(kw_only=True, slots=False)
class UpdateFlags(LimitFlags):
    """What is to change."""

    restart: Annotated[str | None, value("--restart", help="Restart policy to apply when a container exits")] = None


def update(containers: Names, flags: UpdateFlags) -> int:
    """ContainerUpdate."""
    if flags == UpdateFlags():
        raise InvalidUsage("you must provide one or more flags when using this command")
    changes = HostConfig(restart_policy=_policy(flags.restart), **limits(flags))
    warnings: list[str] = []
    code = for_each(containers, lambda name: warnings.extend(client().containers.update(name, changes)))
    for warning in warnings:
        complain(warning)
    return code


def _policy(text: str | None) -> RestartPolicy | None:
    """Read here and not with the flags: docker takes a wrong one for no mistake in the command line."""
    try:
        return values.restart(text) if text else None
    except InvalidValue as error:
        raise InvalidUsage(str(error)) from error
