"""Start a pydockerd in the background when nobody listens on the default socket."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from pyctl.errors import DaemonNotInstalled, DaemonUnavailable

LOG = Path("/var/log/pydockerd.log")
_PATIENCE = 30.0  # seconds; a daemon that recovers hundreds of containers takes some
_POLL = 0.02


def ensure_daemon(path: str, host: str) -> None:
    """Return when somebody listens on the socket at ``path``; says on standard error when it starts a daemon for that.

    Raises `DaemonNotInstalled` when there is none to start, `DaemonUnavailable` when it does not come up.
    """
    if _listens(path):
        return
    command = find_daemon()
    if command is None:
        raise DaemonNotInstalled(
            f"Cannot connect to the Docker daemon at {host}, and there is no pydockerd to start: install pydockerd"
        )
    if os.geteuid() != 0:
        raise DaemonUnavailable(f"Cannot connect to the Docker daemon at {host}. Only root can start pydockerd.")
    print(
        f"No daemon listens on {host}: starting {' '.join(command)}, which logs to {LOG}", file=sys.stderr, flush=True
    )
    _await(_start(command, host), path)


def find_daemon() -> list[str] | None:
    """The command that runs pydockerd: of this Python's own environment first, then from PATH; None without one."""
    # Asked by name only: the client imports nothing of the daemon.
    if importlib.util.find_spec("pydockerd") is not None:
        return [sys.executable, "-m", "pydockerd"]
    found = shutil.which("pydockerd")
    return [found] if found else None


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return True  # somebody is there; the request that follows says what is wrong
    return True


def _start(command: list[str], host: str) -> subprocess.Popen[bytes]:
    log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        # Its own session: neither Ctrl-C at this terminal nor the terminal's end reaches the daemon.
        return subprocess.Popen(
            [*command, "-H", host], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
        )
    finally:
        os.close(log)


def _await(process: subprocess.Popen[bytes], path: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not _listens(path):
        # Another pyctl may have been faster; then ours ends, and its daemon listens.
        if process.poll() is not None and not _listens(path):
            raise DaemonUnavailable(f"pydockerd ended with exit code {process.returncode}: see {LOG}")
        if time.monotonic() > deadline:
            raise DaemonUnavailable(f"pydockerd (pid {process.pid}) does not listen after {_PATIENCE:.0f} s: see {LOG}")
        time.sleep(_POLL)
    _check_that_it_stays(process, path)
    process.returncode = 0  # it outlives us on purpose: no warning about a process that is still running


def _check_that_it_stays(process: subprocess.Popen[bytes], path: str) -> None:
    """A daemon can end between binding its socket and answering: that is told with its log's name, not by the request that would fail."""
    deadline = time.monotonic() + _PATIENCE
    while not _answers(path):
        if process.poll() is not None:
            if _answers(path):
                return  # another pyctl's daemon
            raise DaemonUnavailable(
                f"pydockerd ended with exit code {process.returncode} after it had begun: see {LOG}"
            )
        if time.monotonic() > deadline:
            raise DaemonUnavailable(f"pydockerd (pid {process.pid}) does not answer after {_PATIENCE:.0f} s: see {LOG}")
        time.sleep(_POLL)


def _answers(path: str) -> bool:
    """Whether an answer to a ping begins."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_PATIENCE)
        try:
            probe.connect(path)
            probe.sendall(b"GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
            return bool(probe.recv(1))
        except OSError:
            return False
