"""The README's first command: one container through all four layers, on a daemon that exists only for that.

It shows what a newcomer would type. The daemon's data, socket and cgroups are its own and are removed in the end, so that
the machine is as it was before.
"""

from __future__ import annotations

import shlex
import subprocess
import sys

from tests.support.daemon import Daemon
from tests.support.run import RUN

COMMAND = ("run", "--rm", "--trace", "host", "python3", "-c", "print(6*7)")
EXPECTED = "42\n"


def main() -> int:
    """Run the container; returns 0 when it printed what it should."""
    RUN.begin()
    try:
        return _demonstrate()
    finally:
        RUN.end()


def _demonstrate() -> int:
    daemon = Daemon()
    _say("Starting a daemon with its own data and socket, in a temporary directory:", ["python", *daemon.command()[1:]])
    daemon.start()
    try:
        _say(
            "One container, on a copy-on-write view of this machine's own root (the image `host`):", ["pyctl", *COMMAND]
        )
        result = daemon.pyctl(*COMMAND)
        print(result.stdout, end="", flush=True)
        print(result.stderr, end="", file=sys.stderr, flush=True)
        return _judge(result, daemon)
    finally:
        _end(daemon)
        _say("The daemon is stopped, and all that it made is removed.")


def _say(text: str, command: list[str] | None = None) -> None:
    print(f"\n# {text}", flush=True)
    if command:
        print(f"$ {shlex.join(command)}", flush=True)


def _judge(result: subprocess.CompletedProcess[str], daemon: Daemon) -> int:
    if result.returncode == 0 and result.stdout == EXPECTED:
        return 0
    print(
        f"\nexpected {EXPECTED!r} and exit code 0, got exit code {result.returncode}; the daemon's log:\n{daemon.log()}"
    )
    return 1


def _end(daemon: Daemon) -> None:
    """Stop the daemon without the docker CLI, which a fresh machine has not; a container that is left is removed first."""
    if left := daemon.pyctl("ps", "-aq").stdout.split():
        daemon.pyctl("rm", "-f", *left)
    daemon.stop()


if __name__ == "__main__":
    sys.exit(main())
