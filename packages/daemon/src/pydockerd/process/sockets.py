"""The unix sockets that the daemon listens on."""

from __future__ import annotations

import grp
import os
import socket
import stat
from pathlib import Path

from pydockerd.errors import StartupError

MODE = 0o660
BACKLOG = 4096
"""Connections that wait to be accepted, as with dockerd: one more is refused at once on a unix socket."""


def address_path(host: str) -> Path:
    """The path of a ``unix://`` address. Raises StartupError for any other."""
    scheme, separator, rest = host.partition("://")
    if not separator:
        raise StartupError(f"-H {host}: an address is needed, as in unix:///run/pydockerd.sock")
    if scheme == "unix":
        if not rest.startswith("/"):
            raise StartupError(f"-H {host}: the path of a unix socket must be absolute")
        return Path(rest)
    if scheme == "tcp":
        raise StartupError(
            f"-H {host}: pydockerd does not listen on TCP yet, because it has no TLS yet: use unix:// (ssh -L forwards it)"
        )
    raise StartupError(f"-H {host}: pydockerd listens on unix:// addresses only")


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
