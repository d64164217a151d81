"""The sockets that the daemon listens on: opening them so that nobody else can come in meanwhile."""

from __future__ import annotations

import grp
import os
import socket
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydockerd.errors import StartupError

MODE = 0o660
BACKLOG = 4096
"""Connections that wait to be accepted, as with dockerd: one more is refused at once on a unix socket."""


def address_path(address: str) -> Path:
    """The path of a ``unix://`` address."""
    return Path(address.removeprefix("unix://"))


def listen(path: Path, group: str | None) -> socket.socket:
    """A listening socket at ``path`` for its owner and ``group``; what is left of a dead daemon's socket is replaced.

    Raises StartupError when another process answers there, or something else than a socket is in the way.
    """
    gid = _group_id(group)
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        _bind(listener, path, gid)
    except OSError as error:
        listener.close()
        raise StartupError(f"cannot listen on {path}: {error.strerror}") from error
    return listener


def listen_tcp(what: str, host: str, port: int) -> list[socket.socket]:
    """Listening sockets at a host and port, one for each address that the host's name has; without a host, at all. StartupError."""
    found: list[socket.socket] = []
    try:
        for family, kind, protocol, _, place in _places(host, port):
            listener = socket.socket(family, kind | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, protocol)
            found.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _keep_alive(listener)
            if family == socket.AF_INET6:
                # an address of IPv4 has a socket of its own
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host not in ("", "::")))
            listener.bind(place)
            listener.listen(BACKLOG)
    except OSError as error:
        for listener in found:
            listener.close()
        raise StartupError(f"{what}: cannot listen: {error.strerror}") from error
    return found


def _keep_alive(listener: socket.socket) -> None:
    """Connections have this from their listener (tcp(7)): one that only waits, such as an attached terminal, has to notice a client that went without a word.
    The times are those of Go's servers, and so dockerd's."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, 15), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 9)):
        listener.setsockopt(socket.IPPROTO_TCP, option, value)


def _places(host: str, port: int) -> Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]]:
    if not host:
        host = "::" if Path("/proc/net/if_inet6").exists() else "0.0.0.0"  # noqa: S104 - what no host means
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)


def _bind(listener: socket.socket, path: Path, gid: int) -> None:
    # nobody else may connect in the moment between bind and chown
    umask = os.umask(0o177)
    try:
        listener.bind(os.fspath(path))
    finally:
        os.umask(umask)
    os.chown(path, -1, gid)
    path.chmod(MODE)
    listener.listen(BACKLOG)


def _remove_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise StartupError(f"cannot listen on {path}: it exists and is not a socket")
    if _answers(path):
        raise StartupError(f"cannot listen on {path}: another process answers there")
    path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True
        return True


def _group_id(group: str | None) -> int:
    if group is None:
        return -1
    if group.isdigit():
        return int(group)
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise StartupError(f"--group {group}: there is no such group") from None
