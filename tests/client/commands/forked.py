"""pyctl in a forked child: a process with its own streams and exit code, without the quarter of a second that imports take.

Whether pyctl starts by itself is for other tests; the comparisons run hundreds of commands.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
import tempfile
import warnings
from collections.abc import Sequence
from typing import IO

from pyctl.app.main import run
from pyctl.app.registry import COMMANDS
from pyctl.app.session import Session
from tests.support.daemon import Daemon, Result

for entry in COMMANDS.values():
    importlib.import_module("pyctl.app.commands." + entry.home.partition(":")[0])
for name in ("pyctl.client", "pyctl.models.create", "pyctl.models.stats", "requests_unixsocket"):
    importlib.import_module(name)


def forked(daemon: Daemon, args: Sequence[str], input: str) -> Result:
    """Run one command line; what ``Daemon.pyctl`` gives, at a tenth of the price."""
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        stdin.write(input.encode())
        stdin.seek(0)
        with warnings.catch_warnings():
            # Later Pythons warn of a fork beside threads; the child runs no code that waits for one of them.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            _child(daemon, args, (stdin, stdout, stderr))
        _, status = os.waitpid(pid, 0)
        texts = [_whole(file) for file in (stdout, stderr)]
    return Result(["pyctl", *args], os.waitstatus_to_exitcode(status), *texts)


def _child(daemon: Daemon, args: Sequence[str], files: Sequence[IO[bytes]]) -> None:
    code = 99
    try:
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        sys.stdin, sys.stdout, sys.stderr = (
            io.TextIOWrapper(open(number, mode, closefd=False))  # noqa: SIM115 - for the process's life
            for number, mode in enumerate(("rb", "wb", "wb"))
        )
        os.environ.clear()
        os.environ.update(daemon.environment())
        code = run(args, Session())
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)  # none of pytest's own endings


def _whole(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")  # line ends as subprocess gives them
