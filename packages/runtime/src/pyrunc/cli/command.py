"""What one command of ``pyrunc`` is."""

from __future__ import annotations

from collections.abc import Callable

from pyrunc.cli.options import COMMANDS, Globals
from pyrunc.cli.parser import Parser
from pyrunc.errors import UsageError
from pyrunc.model import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


@frozen(kw_only=True)
class Command:
    """``failed`` is what its errors begin with, ``code`` what it exits with then."""

    parser: Callable[[], Parser]
    run: Callable[[Namespace, Globals], int]
    failed: str = ""
    code: int = 1


def load(name: str) -> Command:
    """The command of this name, from its own module. Raises UsageError if there is none."""
    if name not in COMMANDS:
        raise UsageError(f"pyrunc: there is no command {name!r}; see 'pyrunc --help'")
    command: Command = __import__(f"pyrunc.cli.{name}", fromlist=["COMMAND"]).COMMAND
    return command
