"""Proving to a registry who we are: basic authentication, and tokens that its token server gives for a scope.

Source: distribution, docs/spec/auth/token.md and oauth.md.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from attrs import frozen

from pycontainerd.errors import RegistryRefused
from pycontainerd.registry.answers import failure
from pycontainerd.registry.backoff import retried
from pycontainerd.registry.challenge import Challenge, challenges
from pycontainerd.registry.config import RegistryConfig
from pycontainerd.registry.credentials import Credentials, Keychain
from pycontainerd.registry.endpoints import Endpoint
from pycontainerd.registry.http import Http, shown

_ANSWER_LIMIT: Final = 1 << 20
_SHORTEST: Final = 60.0
"""Seconds that a token is good for where the server does not say."""
_MARGIN: Final = 5.0
_CLIENT: Final = "pycontainerd"


@frozen
class _Token:
    text: str
    expires: float


class Authorizer:
    """For one registry and one user. It learns from the answers 401 what the registry wants (``challenged``)."""

    def __init__(self, http: Http, config: RegistryConfig, endpoint: Endpoint, keychain: Keychain) -> None:
        self._http, self._config, self._endpoint, self._keychain = http, config, endpoint, keychain
        self._challenge: Challenge | None = None
        self._tokens: dict[tuple[str, ...], _Token] = {}
        self._credentials: Credentials | None = None
        self._one = asyncio.Lock()
        self.wants_identity = False
        """Whether to ask for a token that stands for name and password from now on."""
        self.identity_token = ""
        """That token, where the token server gives one (``refresh_token``)."""

    def challenged(self, headers: Iterable[str], scopes: tuple[str, ...]) -> bool:
        """The registry has answered 401. Whether it is worth another attempt: it says how, and is not what was tried."""
        found = challenges(headers)
        wanted = next((each for scheme in ("bearer", "basic") for each in found if each.scheme == scheme), None)
        if wanted is None:
            return False
        self._challenge = wanted
        self._tokens.pop(self._scopes(scopes), None)
        return True

    async def header(self, scopes: tuple[str, ...]) -> str | None:
        """The value for ``Authorization``; None as long as nobody has asked for one, or when we are nobody and that is enough to try."""
        challenge = self._challenge
        if challenge is None:
            return None
        async with self._one:
            credentials = await self._found()
            if challenge.scheme == "basic":
                return credentials.basic() if credentials.username else None
            if credentials.registry_token:
                return f"Bearer {credentials.registry_token}"
            key = self._scopes(scopes)
            token = self._tokens.get(key)
            if token is None or token.expires - _MARGIN < time.monotonic():
                token = self._tokens[key] = await self._fetch(challenge, key, credentials)
            return f"Bearer {token.text}"

    async def _found(self) -> Credentials:
        if self._credentials is None:
            self._credentials = await self._keychain.find(self._endpoint.host)
        return self._credentials

    def _scopes(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """What we want, and what the registry says that it takes."""
        asked = self._challenge.parameters.get("scope", "").split() if self._challenge else []
        known = {scope.rpartition(":")[0] for scope in wanted}
        return (*wanted, *(scope for scope in asked if scope.rpartition(":")[0] not in known))

    async def _fetch(self, challenge: Challenge, scopes: tuple[str, ...], credentials: Credentials) -> _Token:
        realm = self._realm(challenge)
        what = f"token from {shown(realm)}"
        return await retried(
            self._config, self._endpoint.host, what, lambda: self._ask(realm, challenge, scopes, credentials, what)
        )

    def _realm(self, challenge: Challenge) -> str:
        """Where the token server is. A registry that is encrypted may not make us tell a password to one that is not."""
        realm = challenge.parameters.get("realm", "")
        parts = urlsplit(realm)
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise RegistryRefused(self._endpoint.host, "it names no token server that can be asked")
        if parts.scheme == "http" and not self._endpoint.insecure:
            raise RegistryRefused(self._endpoint.host, f"its token server {shown(realm)} is not encrypted")
        return realm

    async def _ask(
        self, realm: str, challenge: Challenge, scopes: tuple[str, ...], credentials: Credentials, what: str
    ) -> _Token:
        service = challenge.parameters.get("service", "")
        if credentials.identity_token:
            form = {"grant_type": "refresh_token", "refresh_token": credentials.identity_token, "client_id": _CLIENT}
            body = urlencode({**form, "service": service, "scope": " ".join(scopes)})
            return await self._token("POST", realm, None, body, what)
        query = [("service", service)] if service else []
        query += [("scope", scope) for scope in scopes]
        if credentials.username:
            query.append(("account", credentials.username))
            if self.wants_identity:
                query += [("client_id", _CLIENT), ("offline_token", "true")]
        url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}" if query else realm
        return await self._token("GET", url, credentials.basic() if credentials.username else None, None, what)

    async def _token(self, method: str, url: str, authorization: str | None, body: str | None, what: str) -> _Token:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        asked = self._http.ask(
            self._endpoint.host,
            method,
            url,
            headers=headers,
            authorization=authorization,
            data=body,
            insecure=self._endpoint.insecure,
        )
        async with asked as answer:
            if answer.response.status != 200:
                raise await failure(answer.response, self._endpoint.host, what)
            data = await answer.whole(_ANSWER_LIMIT)
        return self._parsed(data)

    def _parsed(self, data: bytes) -> _Token:
        try:
            found: dict[str, Any] = json.loads(data)
            text = found.get("token") or found["access_token"]
            seconds = float(found.get("expires_in") or _SHORTEST)
            identity = found.get("refresh_token")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise RegistryRefused(self._endpoint.host, "its token server gave no token") from None
        if not isinstance(text, str) or not text.isprintable() or not text.isascii():
            raise RegistryRefused(self._endpoint.host, "its token server gave no token")
        if self.wants_identity and isinstance(identity, str):
            self.identity_token = identity
        return _Token(text, time.monotonic() + max(seconds, _SHORTEST))
