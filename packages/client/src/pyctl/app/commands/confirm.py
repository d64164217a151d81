"""Asking before something is removed, in docker's words."""

from __future__ import annotations

import sys


def confirmed(warning: str) -> bool:
    """Whether the answer is yes."""
    print(f"{warning}\nAre you sure you want to continue? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() == "y"
