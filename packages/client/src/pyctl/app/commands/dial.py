"""``pyctl system dial-stdio``: this command's standard streams are a connection to the daemon. What ``ssh://`` runs on the other machine."""

from __future__ import annotations

import contextlib
import os
import socket
import threading

from pyctl.app.session import client, session
from pyctl.app.terminal import console
from pyctl.hijack import open_socket

_SIZE = 65536


def dial_stdio() -> None:
    """Copy in both directions until the daemon ends its own."""
    client()  # starts a daemon where that is due
    with open_socket(session().target.endpoint()) as daemon:
        threading.Thread(target=_send, args=(daemon,), name="stdin", daemon=True).start()
        while data := daemon.recv(_SIZE):
            _write(data)


def _send(daemon: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := os.read(console.STDIN, _SIZE):
            daemon.sendall(data)
    with contextlib.suppress(OSError):
        daemon.shutdown(socket.SHUT_WR)


def _write(data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(console.STDOUT, left) :]
