"""HTTP as registries need it: trust for each host, redirects by hand, no cookies, and every failure in one of two kinds.

``Transient`` is what another attempt may get past, and the tree of ``pycontainerd.errors`` what is final. Credentials go to the origin that they were
meant for: after a redirect to another one they stay behind, and so does everything that was asked with them. Addresses are told and logged
without their query, which is where storage providers put signatures.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import aiohttp
from attrs import frozen
from yarl import URL

from pycontainerd.errors import RegistryRefused
from pycontainerd.registry.backoff import Transient
from pycontainerd.registry.config import RegistryConfig
from pycontainerd.registry.endpoints import certificates, tls_context

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_MOST_REDIRECTS: Final = 8
_BUFFER: Final = 1 << 19
"""Bytes of one answer that wait in memory; twice as many before the sender is slowed down."""
_CONNECT_SECONDS: Final = 15.0
_logger = logging.getLogger(__name__)


@frozen
class Answer:
    """A response whose body is still to be read, and the address that gave it in the end."""

    response: aiohttp.ClientResponse
    url: str
    is_foreign: bool
    """Another origin than the one that was asked gave it."""

    async def read(self, most: int) -> bytes:
        """What has arrived, at most so many bytes; empty at the end. Transient when the connection breaks or nothing comes."""
        try:
            return await self.response.content.read(most)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Transient(_reason(error, self.url)) from error

    async def whole(self, limit: int) -> bytes:
        """The body, or its first ``limit + 1`` bytes when it is longer. Transient, also when it is shorter than was announced."""
        data = b""
        while piece := await self.read(limit + 1 - len(data)):
            data += piece
        announced = self.response.content_length
        if announced is not None and len(data) < min(announced, limit):
            raise Transient(f"{shown(self.url)}: {len(data)} of {announced} bytes came")
        return data


class Http:
    """Belongs to one event loop. ``close`` ends the connections that are kept open."""

    def __init__(self, config: RegistryConfig) -> None:
        self._config = config
        self._session: aiohttp.ClientSession | None = None
        self._answered: set[tuple[str, str, int | None]] = set()
        self._contexts: dict[tuple[str, str, bool], tuple[object, ssl.SSLContext]] = {}

    def configure(self, config: RegistryConfig) -> None:
        """Whom to trust from now on. How patient we are stays as it was."""
        self._config = config
        self._contexts.clear()

    @asynccontextmanager
    async def ask(
        self,
        host: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        authorization: str | None = None,
        data: Any = None,
        insecure: bool = False,
    ) -> AsyncIterator[Answer]:
        """One request to ``url``, which belongs to the registry ``host``; GET and HEAD follow redirects.

        Raises Transient, RegistryRefused.
        """
        first = url
        for _ in range(_MOST_REDIRECTS):
            foreign = origin(url) != origin(first)
            sent = {**(headers or {}), **({"Authorization": authorization} if authorization and not foreign else {})}
            async with await self._sent(host, method, url, sent, data, insecure) as response:
                _logger.debug("%s %s: %d", method, shown(url), response.status)
                if response.status not in _REDIRECTS or method not in ("GET", "HEAD"):
                    yield Answer(response, url, foreign)
                    return
                url = self._redirected(host, url, response, insecure=insecure)
        raise RegistryRefused(host, f"{method} {shown(first)}: more than {_MOST_REDIRECTS} redirects")

    async def close(self) -> None:
        """Safe to repeat."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _sent(
        self, host: str, method: str, url: str, headers: Mapping[str, str], data: Any, insecure: bool
    ) -> aiohttp.ClientResponse:
        try:
            response = await self._send(host, method, url, headers, data, insecure)
        except aiohttp.ClientConnectorCertificateError as error:
            raise RegistryRefused(host, _untrusted(host, error)) from error
        except (
            aiohttp.ClientConnectorDNSError
        ) as error:  # mistyped, or no network: only one that was there before may come back
            raise Transient(_reason(error, url), patient=origin(url) in self._answered) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Transient(_reason(error, url)) from error
        self._answered.add(origin(url))
        return response

    async def _send(
        self, host: str, method: str, url: str, headers: Mapping[str, str], data: Any, insecure: bool
    ) -> aiohttp.ClientResponse:
        parts = urlsplit(url)
        context = await self._context(host, parts.netloc, insecure) if parts.scheme == "https" else True
        return await self._opened().request(
            method, URL(url, encoded=True), headers=headers, data=data, ssl=context, allow_redirects=False
        )

    async def _context(self, registry: str, host: str, insecure: bool) -> ssl.SSLContext:
        """How ``host`` is believed, to which ``registry`` has sent us, if it is another. Certificates are looked for each time, as docker does."""
        # what is insecure is that registry, and not where it sends us
        key = (registry, host, insecure and self._config.is_insecure(host))
        now = await asyncio.to_thread(certificates, self._config, registry, host)
        found = self._contexts.get(key)
        if found is None or found[0] != now:
            made = await asyncio.to_thread(tls_context, self._config, host, insecure=key[2], registry=registry)
            found = self._contexts[key] = (now, made)
        return found[1]

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(
                total=None, connect=min(_CONNECT_SECONDS, self._config.stall), sock_read=self._config.stall
            )
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=timeout,
                auto_decompress=False,  # a digest is that of the bytes which were sent
                read_bufsize=_BUFFER,
                max_line_size=1 << 14,
                max_field_size=1 << 15,
                headers={"User-Agent": "pycontainerd", "Accept-Encoding": "identity"},
            )
        return self._session

    @staticmethod
    def _redirected(host: str, url: str, response: aiohttp.ClientResponse, *, insecure: bool) -> str:
        target = urljoin(url, response.headers.get("Location", ""))
        if urlsplit(target).scheme not in ("http", "https") or not urlsplit(target).netloc or target == url:
            raise RegistryRefused(host, f"{shown(url)}: redirects to nowhere")
        if urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https" and not insecure:
            raise RegistryRefused(host, f"{shown(url)}: redirects to {shown(target)}, which is not encrypted")
        return target


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port (RFC 6454)."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, (parts.hostname or "").lower(), port or {"http": 80, "https": 443}.get(parts.scheme)


def shown(url: str) -> str:
    """An address as it may be told: without a name and password, and without its query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _untrusted(host: str, error: aiohttp.ClientConnectorCertificateError) -> str:
    reason = getattr(error.certificate_error, "verify_message", "") or str(error.certificate_error)
    return (
        f"its certificate is not trusted ({reason}): put its authority into certs.d/{host}/ca.crt, "
        "or name it among the insecure registries"
    )


def _reason(error: BaseException, url: str) -> str:
    if isinstance(error, TimeoutError):
        return f"{shown(url)}: no answer in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno or 0  # asyncio has words of its own for it, which say less
        return f"{shown(url)}: cannot connect: {os.strerror(number) if number > 0 else error.os_error.strerror}"
    if isinstance(error, aiohttp.ClientPayloadError):
        return f"{shown(url)}: the answer ended too early"
    return f"{shown(url)}: {type(error).__name__}: {error}"[:300]
