"""This run of the tests: its name, which its processes carry, the directory in which everything it makes lies, and its network.

Each worker of pytest-xdist is a run of its own, so that workers see nothing of each other.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import socket
import struct
import tempfile
import uuid
from pathlib import Path
from typing import Final

MARKER: Final = "PYRUNC_TEST_RUN"
_PLACE: Final = "PYRUNC_TEST_PLACE"
_OUTSIDE: Final = "PYRUNC_TEST_OUTSIDE"
CLONE_NEWNET: Final = 0x4000_0000
SIOCSIFFLAGS: Final = 0x8914
IFF_UP: Final = 1
"""netdevice(7)"""


class _Run:
    """Begun once by tests/conftest.py; several runs may go on at the same time on one machine."""

    def __init__(self) -> None:
        self.name = ""
        self.directory = Path()

    def begin(self) -> None:
        """Name the run, make its directory the place of all temporary files, and enter a network of its own.

        The directory's path is short: sockets lie in it. Whoever looks for leftovers from outside has named the run already, in the
        environment.
        """
        self.name = _of_worker(os.environ.get(MARKER) or uuid.uuid4().hex)
        # not in the directory of the one that starts the workers: containers with a root of their own pass through the directories above theirs
        self.directory = Path(tempfile.mkdtemp(prefix="t.", dir=os.environ.get(_PLACE)))
        os.environ.setdefault(_PLACE, str(self.directory.parent))
        os.environ[MARKER] = self.name
        os.environ["TMPDIR"] = tempfile.tempdir = str(self.directory)
        if os.geteuid() == 0:
            self._leave_the_network()

    def _leave_the_network(self) -> None:
        """There is a loopback device and no way out: what the tests make of links, rules and ports meets nobody else's."""
        if _OUTSIDE not in os.environ:  # a worker's is that of the one that has started it, which has left it before
            outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            os.environ[_OUTSIDE] = f"/proc/{os.getpid()}/fd/{outside}"
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "a network namespace for the tests")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))

    def with_network(self, command: list[str]) -> list[str]:
        """The same command in the machine's network, for what has to be fetched."""
        outside = os.environ.get(_OUTSIDE)
        return ["nsenter", f"--net={outside}", "--", *command] if outside else command

    def end(self) -> None:
        """Remove the directory. What is mounted in it stays: a mount there is a fault, and emptying it would be worse."""
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            mounted = any(f" {self.directory}/" in line for line in mounts)
        if not mounted:
            shutil.rmtree(self.directory, ignore_errors=True)

    def short_directory(self) -> Path:
        """A new directory whose path leaves room for a socket's name (108 bytes, unix(7))."""
        return Path(tempfile.mkdtemp(dir=self.directory, prefix=""))


def _of_worker(name: str) -> str:
    """Names of workers differ in the last of the twelve digits that become part of the names of cgroups (leftovers.py)."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    return f"{name[:11]}{int(worker) % 16:x}{name[12:]}" if worker else name


RUN: Final = _Run()
