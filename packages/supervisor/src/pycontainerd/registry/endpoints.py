"""Where a registry is: the addresses that stand for a domain, best first, and how to trust them."""

from __future__ import annotations

import contextlib
import os
import ssl
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from attrs import frozen

from pycontainerd.errors import InvalidInput
from pycontainerd.registry.config import RegistryConfig

DOCKER_HUB: Final = "docker.io"
_DOCKER_HUB_HOST: Final = "registry-1.docker.io"
_DOCKER_HUB_INDEX: Final = "index.docker.io"


@frozen
class Endpoint:
    """One registry. ``host`` is what it is called (and what its credentials are kept under), ``addresses`` are where to try, in this order."""

    host: str
    addresses: tuple[str, ...]
    insecure: bool
    is_mirror: bool = False


def endpoints(config: RegistryConfig, domain: str) -> list[Endpoint]:
    """The mirrors of a domain, then the registry itself. InvalidInput for a mirror that is no address."""
    return [*(_mirror(config, text) for text in config.mirrors.get(domain, ())), origin(config, domain)]


def origin(config: RegistryConfig, domain: str) -> Endpoint:
    """The registry itself."""
    address = _DOCKER_HUB_HOST if domain == DOCKER_HUB else domain
    insecure = config.is_insecure(address)
    trusted = (config.certificates / address).is_dir()
    schemes = ("https", "http") if insecure and not trusted else ("https",)
    return Endpoint(domain, tuple(f"{scheme}://{address}" for scheme in schemes), insecure and not trusted)


def index(config: RegistryConfig, domain: str) -> Endpoint:
    """Where a registry is searched: docker hub has a host of its own for it."""
    if domain != DOCKER_HUB:
        return origin(config, domain)
    return Endpoint(domain, (f"https://{_DOCKER_HUB_INDEX}",), insecure=False)


def _mirror(config: RegistryConfig, text: str) -> Endpoint:
    if "://" not in text:
        found = origin(config, text)
        return Endpoint(found.host, found.addresses, found.insecure, is_mirror=True)
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc or parts.query:
        raise InvalidInput(f"registry mirror {text!r}: expected http://HOST or https://HOST")
    insecure = parts.scheme == "http" or config.is_insecure(parts.netloc)
    return Endpoint(parts.netloc, (text.rstrip("/"),), insecure, is_mirror=True)


def certificates(config: RegistryConfig, *hosts: str) -> tuple[tuple[str, int], ...]:
    """Paths and times of the files that ``tls_context`` reads: it is another one when they are others."""
    found = []
    for host in dict.fromkeys(hosts):
        with contextlib.suppress(FileNotFoundError), os.scandir(config.certificates / host) as entries:
            found += [(entry.path, entry.stat().st_mtime_ns) for entry in entries]
    return tuple(sorted(found))


def tls_context(config: RegistryConfig, host: str, *, insecure: bool, registry: str | None = None) -> ssl.SSLContext:
    """How to believe ``host``: the machine's authorities and those of its own directory; and, as docker does, the authorities of the ``registry`` that
    has sent us there: its token server is often of the same maker. Reads files. InvalidInput names one that is bad.
    """
    context = ssl.create_default_context()
    # Python 3.13 wants of authorities what RFC 5280 does; docker does not, and many private ones have no key usage.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    directory = config.certificates / host
    if insecure and not directory.is_dir():
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context
    authorities = (config.certificates / registry).glob("*.crt") if registry not in (None, host) else ()
    for path in (*sorted(authorities), *sorted(directory.glob("*"))):
        try:
            _add(context, path)
        except (ssl.SSLError, OSError) as error:
            raise InvalidInput(f"{path}: cannot be used as a certificate: {error}") from error
    return context


def _add(context: ssl.SSLContext, path: Path) -> None:
    if path.suffix == ".crt":
        context.load_verify_locations(cafile=path)
    elif path.suffix == ".cert":
        context.load_cert_chain(path, path.with_suffix(".key"))
