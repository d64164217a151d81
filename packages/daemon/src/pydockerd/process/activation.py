"""Sockets that the service manager has opened and handed over. Source: sd_listen_fds(3), systemd.socket(5)."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping, Sequence
from typing import Final

from pydockerd.errors import StartupError

_FIRST: Final = 3


def handed_over(environment: MutableMapping[str, str]) -> list[tuple[str, int]]:
    """The name and the descriptor of each socket that is meant for this process.

    The variables are taken out of ``environment``, and the descriptors closed on exec: no container and no program of ours is to find them.
    """
    pid, count = environment.pop("LISTEN_PID", ""), environment.pop("LISTEN_FDS", "")
    names = environment.pop("LISTEN_FDNAMES", "").split(":")
    if pid != str(os.getpid()) or not count.isdigit():
        return []
    found = []
    for index in range(int(count)):
        os.set_inheritable(_FIRST + index, False)
        found.append((names[index] if index < len(names) else "", _FIRST + index))
    return found


def chosen(address: str, sockets: Sequence[tuple[str, int]]) -> list[socket.socket]:
    """The listening sockets that ``fd://`` (all), ``fd://3`` (that descriptor) or ``fd://NAME`` means. StartupError for none."""
    wanted = address.removeprefix("fd://").strip("/")
    numbers = [fd for name, fd in sockets if wanted in ("", "*", name, str(fd))]
    if not numbers:
        told = f"no socket {wanted!r} was" if sockets else "no sockets were"
        raise StartupError(
            f"-H {address}: {told} handed over by the service manager (LISTEN_FDS, see systemd.socket(5))"
        )
    return [_listening(address, fd) for fd in numbers]


def _listening(address: str, fd: int) -> socket.socket:
    try:
        # a duplicate, so that the descriptor itself may be named by several addresses
        found = socket.socket(fileno=os.dup(fd))
    except OSError as error:
        raise StartupError(f"-H {address}: descriptor {fd}: {error.strerror}") from error
    if found.type != socket.SOCK_STREAM or not found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        found.close()
        raise StartupError(f"-H {address}: descriptor {fd} is no listening stream socket")
    os.set_inheritable(found.fileno(), False)
    found.setblocking(False)
    return found
