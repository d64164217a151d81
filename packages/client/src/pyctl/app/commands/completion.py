"""``pyctl completion``: what a shell sources to complete our command lines."""

from __future__ import annotations

from typing import Annotated

import click

from pyctl.app.completion import SHELLS, script
from pyctl.app.flags import operand
from pyctl.errors import InvalidUsage


def completion(shell: Annotated[str, operand("SHELL")]) -> None:
    """Print it. ``source <(pyctl completion bash)``"""
    if shell not in SHELLS:
        raise InvalidUsage(f'no completion for "{shell}": use one of {", ".join(SHELLS)}')
    print(script(shell, click.get_current_context().find_root().command))
