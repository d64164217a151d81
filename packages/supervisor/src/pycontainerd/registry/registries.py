"""Registries as a supervisor reaches them: which addresses, with whose credentials."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pycontainerd.errors import InvalidInput
from pycontainerd.registry.config import RegistryConfig
from pycontainerd.registry.credentials import Credentials, DockerConfig, Given, Keychain
from pycontainerd.registry.endpoints import Endpoint, endpoints, index, origin
from pycontainerd.registry.search import SearchResult, search

# aiohttp takes longer to import than all the rest of a supervisor: who never asks a registry does without it
if TYPE_CHECKING:
    from pycontainerd.registry.connection import Addresses, Connection
    from pycontainerd.registry.http import Http
    from pycontainerd.registry.repository import Repository


class RegistryClient:
    """Belongs to an event loop; ``close`` ends what is kept open."""

    def __init__(self, config: RegistryConfig) -> None:
        self._config = config

    @cached_property
    def _shared(self) -> tuple[Http, Addresses]:
        from pycontainerd.registry.connection import Addresses
        from pycontainerd.registry.http import Http

        return Http(self._config), Addresses()

    @property
    def config(self) -> RegistryConfig:
        """How they are reached."""
        return self._config

    def configure(self, config: RegistryConfig) -> None:
        """Reach them so from now on; what has begun goes on as it began."""
        self._config = config
        if "_shared" in self.__dict__:
            self._shared[0].configure(config)

    def sources(self, domain: str, name: str, auth: Credentials | None) -> list[Repository]:
        """Where to pull a repository from, best first: its mirrors, then the registry itself."""
        return [self._repository(each, domain, name, auth) for each in endpoints(self._config, domain)]

    def target(self, domain: str, name: str, auth: Credentials | None) -> Repository:
        """Where to push to: the registry itself."""
        return self._repository(origin(self._config, domain), domain, name, auth)

    async def login(self, host: str, credentials: Credentials) -> str:
        """See whether a registry takes these credentials; a token for them, or nothing. AccessDenied, RegistryError."""
        domain = domain_of(host)
        return await self._connection(origin(self._config, domain), domain, credentials).log_in()

    async def search(self, domain: str, words: str, limit: int, auth: Credentials | None) -> list[SearchResult]:
        """What a registry has by some words. AccessDenied, RegistryError."""
        return await search(self._connection(index(self._config, domain), domain, auth), words, limit)

    async def close(self) -> None:
        """Safe to repeat."""
        if "_shared" in self.__dict__:
            await self._shared[0].close()

    def _repository(self, endpoint: Endpoint, domain: str, name: str, auth: Credentials | None) -> Repository:
        from pycontainerd.registry.repository import Repository

        return Repository(self._connection(endpoint, domain, auth), name)

    def _connection(self, endpoint: Endpoint, domain: str, auth: Credentials | None) -> Connection:
        from pycontainerd.registry.connection import Connection

        path = self._config.credentials
        own = DockerConfig(path) if path is not None else DockerConfig.usual()
        keychain: Keychain = (
            own if auth is None else Given(domain, auth)
        )  # the caller's are for nobody else, and no mirror
        http, addresses = self._shared
        return Connection(http, self._config, endpoint, keychain, addresses)


def domain_of(address: str) -> str:
    """The domain that an address of ``docker login`` names: docker hub has an old one. InvalidInput."""
    host = (address.partition("://")[2] if "://" in address else address).partition("/")[0]
    if not host or any(character in host for character in "@?# \\"):
        raise InvalidInput(f"{address!r}: not the address of a registry")
    return "docker.io" if host in ("index.docker.io", "registry-1.docker.io", "docker.io") else host
