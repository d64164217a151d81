"""The command ``pyctl``."""

from __future__ import annotations

import sys
import time

_STARTED_NS = time.monotonic_ns()  # before anything is imported: ``run --trace`` counts from here


def main() -> None:
    """Run the command line of this process and exit."""
    if sys.argv[1:] in (["--version"], ["-v"]):
        from pyctl.version import __version__

        print(f"pyctl version {__version__}")  # scripts ask it often: nothing that a command line needs is imported
        return
    from pyctl.app.main import run
    from pyctl.app.session import Session

    sys.exit(run(None, Session(started_ns=_STARTED_NS)))


if __name__ == "__main__":
    main()
