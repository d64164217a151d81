"""Which daemon is meant: flags, environment, contexts and docker's configuration, in docker's order.

``--context``, then ``--host``, then PYCTL_HOST and DOCKER_HOST, then DOCKER_CONTEXT, then the ``currentContext`` of config.json, then the default socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from pyctl.errors import InvalidUsage
from pyctl.hosts import Endpoint, Tls, choose_host, parse_host

DEFAULT_CONTEXT: Final = "default"


@attrs.frozen(kw_only=True)
class Wish:
    """What was said on a command line, or to a `pyctl.Client`. None for nothing."""

    host: str | None = None
    context: str | None = None
    config: str | None = None
    tls: bool | None = None
    """TLS, whoever answers."""
    tls_verify: bool | None = None
    """TLS, and only with the daemon that an authority vouches for."""
    tls_ca: str | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None


@attrs.frozen(kw_only=True)
class Target:
    """A daemon."""

    host: str
    """Its address, as it was written."""
    is_default: bool = False
    """Whether nobody has said anything: then a daemon may be started there."""
    context: str = DEFAULT_CONTEXT
    """The context that it is from."""
    tls: Tls | None = None

    def endpoint(self) -> Endpoint:
        """The address, read. Raises `pyctl.errors.InvalidHost`."""
        return parse_host(self.host, self.tls)


def choose(wish: Wish, environ: Mapping[str, str]) -> Target:
    """Choose. Raises `pyctl.errors.InvalidContext` for a context that is not there, `InvalidUsage` for two answers."""
    if wish.context and wish.host:
        raise InvalidUsage("conflicting options: cannot specify both --host and --context")
    host, is_default = choose_host(wish.host, environ)
    name = context_name(wish, environ)
    if name != DEFAULT_CONTEXT:
        return _of_context(name, wish, environ)
    return Target(host=host, is_default=is_default, tls=_tls(wish, environ))


def context_name(wish: Wish, environ: Mapping[str, str]) -> str:
    """The name of the context that is in use."""
    if wish.context:
        return wish.context
    if not choose_host(wish.host, environ)[1]:
        return DEFAULT_CONTEXT
    if environ.get("DOCKER_CONTEXT"):
        return environ["DOCKER_CONTEXT"]
    directory = _configuration(wish, environ)
    if not (directory / "config.json").exists():
        return DEFAULT_CONTEXT
    from pyctl.configuration import read

    return str(read(directory).get("currentContext") or DEFAULT_CONTEXT)


def _of_context(name: str, wish: Wish, environ: Mapping[str, str]) -> Target:
    from pyctl.contexts import TLS_FILES, ContextStore

    store = ContextStore(_configuration(wish, environ))
    found = store.get(name)
    tls = None
    if found.tls or found.skip_tls_verify:
        ca, certificate, key = (_file(store.tls_directory(name) / "docker" / file) for file in TLS_FILES)
        tls = Tls(verify=not found.skip_tls_verify, ca=ca, certificate=certificate, key=key)
    return Target(host=found.host, context=name, tls=tls)


def _tls(wish: Wish, environ: Mapping[str, str]) -> Tls | None:
    verify = wish.tls_verify if wish.tls_verify is not None else bool(environ.get("DOCKER_TLS_VERIFY"))
    wanted = wish.tls or verify or wish.tls_verify is not None or bool(environ.get("DOCKER_TLS"))
    if not wanted:
        return None
    given = environ.get("DOCKER_CERT_PATH")
    directory = Path(given) if given else _configuration(wish, environ)
    return Tls(
        verify=verify,
        ca=wish.tls_ca or (str(directory / "ca.pem") if verify else None),
        certificate=wish.tls_certificate or _file(directory / "cert.pem"),
        key=wish.tls_key or _file(directory / "key.pem"),
    )


def _file(path: Path) -> str | None:
    return str(path) if path.is_file() else None


def _configuration(wish: Wish, environ: Mapping[str, str]) -> Path:
    given = wish.config or environ.get("DOCKER_CONFIG")
    return Path(given) if given else Path("~/.docker").expanduser()
