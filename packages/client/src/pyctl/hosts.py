"""Where the daemon listens: ``--host``, ``PYCTL_HOST``, ``DOCKER_HOST``, a context, or the default socket."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from pyctl.errors import InvalidHost

DEFAULT_SOCKET = "/run/pydockerd.sock"
DEFAULT_HOST = f"unix://{DEFAULT_SOCKET}"
_PLAIN_HTTP_PORT, _TLS_PORT = 2375, 2376  # IANA: docker, docker-s


@attrs.frozen
class Tls:
    """How a connection is secured: paths of files, None for one that there is none of."""

    verify: bool = True
    """Whether the daemon has to prove who it is."""
    ca: str | None = None
    """Who may vouch for it; the machine's own authorities where None."""
    certificate: str | None = None
    key: str | None = None


@attrs.frozen
class Ssh:
    """Whom to reach by ssh, and the daemon's socket there (empty: where its own client finds it)."""

    host: str
    user: str = ""
    port: int | None = None
    path: str = ""


@attrs.frozen
class Endpoint:
    """One address of a daemon: a unix socket's path, a host name and a port, or somebody to reach by ssh."""

    url: str
    """As the user wrote it, for messages."""
    path: str | None = None
    """Of the unix socket; None for others."""
    address: tuple[str, int] = ("localhost", _PLAIN_HTTP_PORT)
    """Host and port for TCP; otherwise only the Host header comes from it."""
    tls: Tls | None = None
    ssh: Ssh | None = None

    @property
    def http_base(self) -> str:
        """The URL prefix for `requests`, with requests-unixsocket's scheme for sockets and one of our own for ssh."""
        if self.path is not None:
            from urllib.parse import quote

            return "http+unix://" + quote(self.path, safe="")
        if self.ssh is not None:
            return "http+ssh://daemon"
        host, port = self.address
        scheme = "https" if self.tls else "http"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def choose_host(flag: str | None, environ: Mapping[str, str]) -> tuple[str, bool]:
    """Pick the address, and say whether it is only the default (so that a daemon may be started there)."""
    for given in (flag, environ.get("PYCTL_HOST"), environ.get("DOCKER_HOST")):
        if given:
            return given, False
    return DEFAULT_HOST, True


def parse_host(text: str, tls: Tls | None = None) -> Endpoint:
    """Read ``unix:///path``, ``tcp://host[:port]``, ``http(s)://host[:port]`` or ``ssh://[user@]host[:port][/path]``.

    ``tls`` is for the two of TCP. Raises `InvalidHost`.
    """
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, rest = "tcp", text
    if scheme == "unix":
        return Endpoint(url=text, path=rest or DEFAULT_SOCKET)
    if scheme == "ssh":
        return Endpoint(url=text, ssh=_ssh(rest, text))
    if scheme == "https" and tls is None:
        tls = Tls()
    if scheme in ("tcp", "http", "https"):
        tls = None if scheme == "http" else tls
        return Endpoint(url=text, address=_host_and_port(rest.rstrip("/"), text, tls), tls=tls)
    raise InvalidHost(
        f"unable to parse docker host `{text}`: use unix:///PATH, tcp://HOST:PORT, http://HOST:PORT or ssh://USER@HOST"
    )


def _host_and_port(text: str, whole: str, tls: Tls | None) -> tuple[str, int]:
    host, port = _split(text, whole)
    return host or "localhost", port or (_TLS_PORT if tls else _PLAIN_HTTP_PORT)


def _split(text: str, whole: str) -> tuple[str, int | None]:
    if text.startswith("["):
        host, _, tail = text[1:].partition("]")
        port = tail.removeprefix(":")
    else:
        host, _, port = text.partition(":")
    if port and not port.isdecimal():
        raise InvalidHost(f"unable to parse docker host `{whole}`: {port!r} is no port number")
    return host, int(port) if port else None


def _ssh(text: str, whole: str) -> Ssh:
    authority, slash, path = text.partition("/")
    user, _, place = authority.rpartition("@")
    host, port = _split(place, whole)
    # What begins with a hyphen would be an option of ssh (CVE-2017-1000117 and its like).
    if not host or host.startswith("-") or user.startswith("-") or ":" in user:
        raise InvalidHost(
            f"unable to parse docker host `{whole}`: use ssh://[USER@]HOST[:PORT][/PATH], without a password"
        )
    return Ssh(host=host, user=user, port=port, path=slash + path if path else "")
