"""The command ``pydockerd``, with dockerd's names for its flags and for the keys of its file: see `pydockerd.config`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pydockerd.config.flags import Said, parse
from pydockerd.config.load import load
from pydockerd.errors import StartupError
from pydockerd.settings import Settings


def settings(arguments: Sequence[str] | None = None) -> Settings:
    """What the command line and the file it names say. ConfigError; exits with 2 on a flag that there is not."""
    return load(parse(arguments))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the daemon; 0 after a graceful stop, 1 when it could not start."""
    said = parse(arguments)
    try:
        found = load(said)
        if said.validate:
            print("configuration OK", file=sys.stderr)
            return 0
        _run(said, found)
    except StartupError as error:
        print(f"pydockerd: {error}", file=sys.stderr)
        return 1
    return 0


def _run(said: Said, found: Settings) -> None:
    from pydockerd import journal
    from pydockerd.process import daemon

    journal.start(found.level, found.log_format)
    daemon.run(found, lambda: load(said))
