"""Where the daemon listens: ``--host``, ``PYCTL_HOST``, ``DOCKER_HOST``, or the default socket."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from pyctl.errors import InvalidHost

DEFAULT_SOCKET = "/run/pydockerd.sock"
DEFAULT_HOST = f"unix://{DEFAULT_SOCKET}"
_PLAIN_HTTP_PORT = 2375  # IANA: docker, without TLS


@attrs.frozen
class Endpoint:
    """One address of a daemon: a unix socket's path, or a host name and a port."""

    url: str
    """As the user wrote it, for messages."""
    path: str | None = None
    """Of the unix socket; None for TCP."""
    address: tuple[str, int] = ("localhost", _PLAIN_HTTP_PORT)
    """Host and port for TCP; for a unix socket only the Host header comes from it."""

    @property
    def http_base(self) -> str:
        """The URL prefix for `requests`, with requests-unixsocket's scheme for sockets."""
        if self.path is not None:
            from urllib.parse import quote

            return "http+unix://" + quote(self.path, safe="")
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def choose_host(flag: str | None, environ: Mapping[str, str]) -> tuple[str, bool]:
    """Pick the address, and say whether it is only the default (so that a daemon may be started there)."""
    for given in (flag, environ.get("PYCTL_HOST"), environ.get("DOCKER_HOST")):
        if given:
            return given, False
    return DEFAULT_HOST, True


def parse_host(text: str) -> Endpoint:
    """Read ``unix:///path``, ``tcp://host[:port]`` or ``http://host[:port]``; raises `InvalidHost`."""
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, rest = "tcp", text
    if scheme == "unix":
        return Endpoint(url=text, path=rest or DEFAULT_SOCKET)
    if scheme in ("tcp", "http"):
        return Endpoint(url=text, address=_host_and_port(rest.rstrip("/"), text))
    raise InvalidHost(f"unable to parse docker host `{text}`: use unix:///PATH, tcp://HOST:PORT or http://HOST:PORT")


def _host_and_port(text: str, whole: str) -> tuple[str, int]:
    if text.startswith("["):
        host, _, tail = text[1:].partition("]")
        port = tail.removeprefix(":")
    else:
        host, _, port = text.partition(":")
    if port and not port.isdecimal():
        raise InvalidHost(f"unable to parse docker host `{whole}`: {port!r} is no port number")
    return host or "localhost", int(port or _PLAIN_HTTP_PORT)
