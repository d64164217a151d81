"""Running criu, and telling what it said when it fails."""

from __future__ import annotations

import os
import subprocess

from pyrunc.errors import CriuFailed, MissingLibrary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_TOLD = 4
"""Lines of criu's log that go into an error: the first say what went wrong, the later what came of it."""


def command(program: str, action: str, arguments: Sequence[str], *, images: str, work: str) -> list[str]:
    """The whole line; criu's log is ``ACTION.log`` in the directory ``work``."""
    return [
        *(program, action, "--no-default-config", "--images-dir", images, "--work-dir", work),
        *("--log-file", f"{action}.log", "-v4", *arguments),
    ]


def run(
    program: str, action: str, arguments: Sequence[str], *, images: str, work: str, passed: Sequence[int] = ()
) -> None:
    """Run ``criu ACTION``; its log is ``ACTION.log`` in the directory ``work``. ``passed``: descriptors that it inherits.

    Raises CriuFailed, MissingLibrary.
    """
    words = command(program, action, arguments, images=images, work=work)
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", pass_fds=passed
        )
    except FileNotFoundError as error:
        raise MissingLibrary(program, "criu", "checkpoint and restore") from error
    if done.returncode:
        path = os.path.join(work, f"{action}.log")
        raise CriuFailed(action, path, reasons(path) or done.stderr.strip() or f"exit code {done.returncode}")


def reasons(path: str) -> str:
    """The first complaints in a log of criu."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            errors = [line.partition("Error ")[2].strip() for line in file if "Error " in line]
    except OSError:
        return ""
    return "; ".join(line.partition("): ")[2] or line for line in errors[:_TOLD])
