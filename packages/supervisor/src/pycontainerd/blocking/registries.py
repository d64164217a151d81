"""What registries have."""

from __future__ import annotations

import builtins

from pycontainerd.blocking.loop import LoopThread
from pycontainerd.images import remote as asynchronous
from pycontainerd.images.documents import Descriptor
from pycontainerd.images.remote import RemoteImage
from pycontainerd.registry.config import RegistryConfig
from pycontainerd.registry.credentials import Credentials
from pycontainerd.registry.search import SearchResult


class Registries:
    """Get it from ``Supervisor.registries``; see `pycontainerd.Registries`."""

    def __init__(self, loop: LoopThread, registries: asynchronous.Registries) -> None:
        self._loop, self._registries = loop, registries

    def configure(self, config: RegistryConfig) -> None:
        """Reach registries so from now on."""
        self._loop.call(self._registries.configure(config))

    def login(self, address: str, auth: Credentials) -> str:
        """See whether a registry takes these credentials; an identity token for them, or nothing."""
        return self._loop.call(self._registries.login(address, auth))

    def inspect(self, reference: str, *, auth: Credentials | None = None) -> RemoteImage:
        """What a name stands for."""
        return self._loop.call(self._registries.inspect(reference, auth=auth))

    def tags(self, repository: str, *, auth: Credentials | None = None) -> builtins.list[str]:
        """The tags of a repository."""
        return self._loop.call(self._registries.tags(repository, auth=auth))

    def referrers(
        self, reference: str, *, artifact_type: str | None = None, auth: Credentials | None = None
    ) -> builtins.list[Descriptor]:
        """What refers to an image."""
        return self._loop.call(self._registries.referrers(reference, artifact_type=artifact_type, auth=auth))

    def search(self, words: str, *, limit: int = 25, auth: Credentials | None = None) -> builtins.list[SearchResult]:
        """Repositories by words."""
        return self._loop.call(self._registries.search(words, limit=limit, auth=auth))
