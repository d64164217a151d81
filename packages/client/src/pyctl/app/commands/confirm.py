"""Asking before something is removed, in docker's words."""

from __future__ import annotations

import sys

from pyctl.errors import CommandFailed


def confirm(warning: str, command: str) -> None:
    """Go on if the answer is yes. Raises CommandFailed: nothing was done."""
    print(f"{warning}\nAre you sure you want to continue? [y/N] ", end="", flush=True)
    if sys.stdin.readline().strip().lower() != "y":
        raise CommandFailed(f"{command} has been cancelled", 1)
