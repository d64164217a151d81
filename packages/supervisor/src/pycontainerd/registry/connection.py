"""Requests to one registry as one user: found at the first of its addresses that answers, and authorized as it wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import urljoin

from attrs import define, field

from pycontainerd.errors import AccessDenied
from pycontainerd.registry.answers import failure, problem
from pycontainerd.registry.auth import Authorizer
from pycontainerd.registry.backoff import Transient, retried
from pycontainerd.registry.config import RegistryConfig
from pycontainerd.registry.credentials import Keychain
from pycontainerd.registry.endpoints import Endpoint
from pycontainerd.registry.http import Answer, Http, origin, shown

T = TypeVar("T")


@define
class Addresses:
    """Which address of a registry has answered; shared by all connections of a supervisor."""

    known: dict[tuple[str, ...], str] = field(factory=dict)


class Connection:
    """All requests of a pull or a push go through one. Belongs to its event loop."""

    def __init__(
        self, http: Http, config: RegistryConfig, endpoint: Endpoint, keychain: Keychain, addresses: Addresses
    ) -> None:
        self._http, self.config, self.endpoint, self._addresses = http, config, endpoint, addresses
        self._authorizer = Authorizer(http, config, endpoint, keychain)
        self._finding = asyncio.Lock()

    @property
    def host(self) -> str:
        """What the registry is called."""
        return self.endpoint.host

    @asynccontextmanager
    async def request(
        self,
        method: str,
        path: str,
        *,
        scopes: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        data: Callable[[], Any] | None = None,
        expect: tuple[int, ...] = (200,),
        what: str = "",
    ) -> AsyncIterator[Answer]:
        """One attempt; ``path`` is below the registry's address, or a whole address that it gave.

        ``data`` makes the body, anew for each time that it is sent. Raises Transient, AccessDenied, RegistryRefused for a status that is
        not expected.
        """
        url = urljoin(await self._address(), path)
        what = what or f"{method} {path.partition('?')[0]}"
        for attempt in (1, 2):
            authorization = await self._authorization(url, scopes)
            body = data() if data is not None else None
            async with self._asked(method, url, headers, authorization, body) as answer:
                status = answer.response.status
                if status == 401 and not answer.is_foreign and self._is_own(url):
                    again = self._authorizer.challenged(answer.response.headers.getall("WWW-Authenticate", []), scopes)
                    if again and attempt == 1:
                        continue
                    raise AccessDenied(self.host, await self._denied(answer, what, given=authorization is not None))
                if status not in expect:
                    if answer.is_foreign and status in (401, 403):  # an address with a signature that has expired
                        raise Transient(f"where it redirects to, the answer was {await problem(answer.response)}")
                    raise await failure(answer.response, self.host, what)
                yield answer
                return

    @asynccontextmanager
    async def elsewhere(self, url: str, headers: Mapping[str, str] | None = None) -> AsyncIterator[Answer]:
        """GET of an address that is none of the registry's: nothing of ours is shown to it."""
        async with self._http.ask(self.host, "GET", url, headers=headers, insecure=self.endpoint.insecure) as answer:
            if answer.response.status not in (200, 206):
                raise await failure(answer.response, self.host, "content from elsewhere")
            yield answer

    async def ping(self, scopes: tuple[str, ...] = ()) -> None:
        """See that the registry is there and takes us. AccessDenied, RegistryUnavailable, RegistryRefused."""

        async def attempt() -> None:
            async with self.request("GET", "/v2/", scopes=scopes, what="log in"):
                pass

        await self.retried("log in", attempt)

    async def log_in(self) -> str:
        """``ping``, and the identity token that the registry's token server gives for name and password; empty where it gives none."""
        self._authorizer.wants_identity = True
        await self.ping()
        return self._authorizer.identity_token

    async def retried(
        self, what: str, attempt: Callable[[], Any], progressed: Callable[[], bool] = lambda: False
    ) -> Any:
        """See `pycontainerd.registry.backoff.retried`."""
        return await retried(self.config, self.host, what, attempt, progressed)

    def _asked(
        self, method: str, url: str, headers: Mapping[str, str] | None, authorization: str | None, body: Any
    ) -> Any:
        return self._http.ask(
            self.host,
            method,
            url,
            headers=headers,
            authorization=authorization,
            data=body,
            insecure=self.endpoint.insecure,
        )

    async def _authorization(self, url: str, scopes: tuple[str, ...]) -> str | None:
        return await self._authorizer.header(scopes) if self._is_own(url) else None

    def _is_own(self, url: str) -> bool:
        """An upload may be sent elsewhere by the registry; that is not to see our credentials."""
        return origin(url) == origin(self._addresses.known[self.endpoint.addresses])

    async def _denied(self, answer: Answer, what: str, *, given: bool) -> str:
        advice = "the account may not do this, or its password is wrong" if given else "log in first"
        return f"{what}: {await problem(answer.response)}: {advice}"

    async def _address(self) -> str:
        """The first of the addresses that answers. Transient when none does."""
        async with self._finding:
            known = self._addresses.known.get(self.endpoint.addresses)
            if known is None:
                known = await self._find()
                self._addresses.known[self.endpoint.addresses] = known
            return known

    async def _find(self) -> str:
        *others, last = self.endpoint.addresses
        for address in others:
            try:
                return await self._answering(address)
            except Transient:
                continue
        return await self._answering(last) if others else last

    async def _answering(self, address: str) -> str:
        async with self._http.ask(self.host, "GET", f"{address}/v2/", insecure=self.endpoint.insecure) as answer:
            if answer.response.status == 400 or answer.response.status >= 500:  # 400: a server that wants TLS
                raise Transient(f"{shown(address)}: the answer was {await problem(answer.response)}")
            return address
