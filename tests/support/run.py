"""This run of the tests: its name, which its processes carry, and the directory in which everything it makes lies."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Final

MARKER: Final = "PYRUNC_TEST_RUN"


class _Run:
    """Begun once by tests/conftest.py; several runs may go on at the same time on one machine."""

    def __init__(self) -> None:
        self.name = ""
        self.directory = Path()

    def begin(self) -> None:
        """Name the run and make its directory the place of all temporary files. The path is short: sockets lie in it.

        Whoever looks for leftovers from outside has named it already, in the environment.
        """
        self.name = os.environ.get(MARKER) or uuid.uuid4().hex
        self.directory = Path(tempfile.mkdtemp(prefix="t."))
        os.environ[MARKER] = self.name
        os.environ["TMPDIR"] = tempfile.tempdir = str(self.directory)

    def end(self) -> None:
        """Remove the directory. What is mounted in it stays: a mount there is a fault, and emptying it would be worse."""
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            mounted = any(f" {self.directory}/" in line for line in mounts)
        if not mounted:
            shutil.rmtree(self.directory, ignore_errors=True)

    def short_directory(self) -> Path:
        """A new directory whose path leaves room for a socket's name (108 bytes, unix(7))."""
        return Path(tempfile.mkdtemp(dir=self.directory, prefix=""))


RUN: Final = _Run()
