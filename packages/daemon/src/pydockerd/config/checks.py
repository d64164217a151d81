"""What single options may say, in dockerd's words where it has some. Each gives its text back, or raises ValueError."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from pydockerd.config.kinds import Check

LOG_DRIVERS: Final = ("json-file", "local", "none")
STORAGE_DRIVERS: Final = ("overlay2", "vfs")
_DOMAIN: Final = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?)+|\.")


def host(text: str) -> str:
    """An address to listen on. An empty one, and a lone ``unix://``, is the usual socket; a TCP port is dockerd's unless it is said."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        raise ValueError(f"{text!r}: an address is needed, as in unix:///run/pydockerd.sock")
    if scheme == "unix":
        if not rest.startswith("/"):
            raise ValueError(f"{text!r}: the path of a unix socket must be absolute")
    elif scheme == "tcp":
        _tcp(rest)
    elif scheme != "fd":
        raise ValueError(f"Invalid bind address format: {text}: there are unix://, tcp:// and fd://")
    return text


def log_driver(text: str) -> str:
    """One that there is."""
    if text not in LOG_DRIVERS:
        raise ValueError(f"logger: no log driver named '{text}' is registered")
    return text


def runtime(names: Sequence[str]) -> Check:
    """One of these names."""

    def check(text: str) -> str:
        if text not in names:
            raise ValueError(f"specified default runtime '{text}' does not exist: containers are run by pyrunc")
        return text

    return check


def ipc_mode(text: str) -> str:
    """What may be a default."""
    if text not in ("private", "shareable"):
        raise ValueError(f'IPC mode "{text}" is not supported as default value: it is private or shareable')
    return text


def seccomp_profile(text: str) -> str:
    """``builtin``, ``unconfined``, nothing, or a file."""
    if text not in ("", "builtin", "unconfined") and not text.startswith("/"):
        raise ValueError(f"{text!r}: an absolute path, builtin or unconfined is needed")
    return text


def domain(text: str) -> str:
    """A domain to search; ``.`` is none."""
    if len(text) > 255 or not _DOMAIN.fullmatch(text):
        raise ValueError(f"{text} is not a valid domain")
    return text


def label(text: str) -> str:
    """``KEY=VALUE``."""
    key, equals, value = text.partition("=")
    if not key or not equals or not value:
        raise ValueError(f"bad attribute format: {text}: KEY=VALUE is needed")
    return text


def feature(name: str, wanted: bool) -> None:
    """What can be switched: CDI. What dockerd could switch on and is not here may be off."""
    if name == "cdi":
        return
    if name not in ("buildkit", "containerd-snapshotter"):
        raise ValueError("there is no such feature: there is cdi")
    if wanted:
        raise ValueError("pydockerd does not have it")


def exec_opt(text: str) -> str:
    """cgroups are written to directly: there is no other driver."""
    key, equals, value = text.partition("=")
    if key != "native.cgroupdriver" or not equals:
        raise ValueError(f"invalid option {text!r}: there is native.cgroupdriver")
    if value != "cgroupfs":
        raise ValueError(f"option {key} must be cgroupfs: pydockerd does not ask systemd for cgroups, got {value!r}")
    return text


def storage_driver(text: str) -> str:
    """One that there is; ``overlay2`` where nothing is said."""
    if text and text not in STORAGE_DRIVERS:
        raise ValueError(f"driver not supported: {text}: there are {' and '.join(STORAGE_DRIVERS)}")
    return text or STORAGE_DRIVERS[0]


def mirror(text: str) -> str:
    """An address of HTTP without a query."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https"):
        raise ValueError(f'invalid mirror: no scheme specified for "{text}": must use either https:// or http://')
    if not parts.hostname:
        raise ValueError(f'invalid mirror: "{text}" names no host')
    if parts.query or parts.fragment:
        raise ValueError(f'invalid mirror: query or fragment at end of the URI "{text}"')
    if "@" in parts.netloc:
        raise ValueError(
            f'invalid mirror: username/password not allowed in URI "{parts.scheme}://xxxxx@{parts.hostname}"'
        )
    return text


def insecure_registry(text: str) -> str:
    """A host, with its port if it has one, or a network."""
    if "://" in text:
        raise ValueError(f"insecure registry {text} should not contain '://'")
    if not text or text.startswith("-"):
        raise ValueError(f"insecure registry {text!r} is no host and no network")
    return text


def metrics_address(text: str) -> str:
    """``ADDRESS:PORT``."""
    if text:
        _tcp(text)
    return text


def tcp_address(text: str, default_port: int) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``, ``[::1]:PORT`` or ``:PORT``; ``tcp://`` in front of it is fine. ValueError."""
    parts = urlsplit(text if "://" in text else f"tcp://{text}")
    port = default_port if parts.port is None else parts.port
    return parts.hostname or "", port


def _tcp(text: str) -> None:
    try:
        tcp_address(text, 1)
    except ValueError as error:
        raise ValueError(f"Invalid bind address format: {text}: {error}") from None
    if "/" in text or "@" in text:
        raise ValueError(f"Invalid bind address format: {text}: a host and a port are needed")
