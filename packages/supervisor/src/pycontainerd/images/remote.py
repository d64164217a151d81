"""What registries have, without bringing it in."""

from __future__ import annotations

import builtins

from attrs import frozen

from pycontainerd.content.digest import hexadecimal
from pycontainerd.errors import ManifestNotFound, RegistryError
from pycontainerd.images import mediatypes
from pycontainerd.images.documents import Descriptor, Index, descriptor, read_document
from pycontainerd.images.platforms import Platform, platform_of
from pycontainerd.images.reference import remote
from pycontainerd.registry.config import RegistryConfig
from pycontainerd.registry.credentials import Credentials
from pycontainerd.registry.endpoints import DOCKER_HUB
from pycontainerd.registry.registries import RegistryClient, domain_of
from pycontainerd.registry.search import SearchResult


@frozen(kw_only=True)
class RemoteImage:
    """What a name stands for in a registry: the ``descriptor`` of its manifest or index, and the platforms that it has been made for, as far as that is said."""

    descriptor: Descriptor
    platforms: tuple[Platform, ...]


class Registries:
    """Get it from ``Supervisor.registries``. Every method takes credentials as `Images.pull` does, and raises AccessDenied and RegistryError."""

    def __init__(self, client: RegistryClient) -> None:
        self._client = client

    async def configure(self, config: RegistryConfig) -> None:
        """Reach registries so from now on; what has begun goes on as it began."""
        self._client.configure(config)

    async def login(self, address: str, auth: Credentials) -> str:
        """See whether a registry (``docker.io``, ``NAME:PORT``) takes these credentials; nothing is kept. InvalidInput for what is no address.

        Some token servers give a token that stands for name and password from then on (`Credentials.identity_token`); it is empty for all others.
        """
        return await self._client.login(address, auth)

    async def inspect(self, reference: str, *, auth: Credentials | None = None) -> RemoteImage:
        """What a name stands for. ManifestNotFound; ImageError for what is neither manifest nor index."""
        wanted = remote(reference)
        *mirrors, registry = self._client.sources(wanted.domain, wanted.repository, auth)
        for source in (*mirrors, registry):
            try:
                found = await source.manifest(wanted.reference, mediatypes.ACCEPTED)
                break
            except (RegistryError, ManifestNotFound):
                if source is registry:
                    raise
        document = read_document(found.data, found.media_type, f"manifest {wanted.familiar}")
        if isinstance(document, Index):
            platforms = tuple(
                each.platform for each in document.manifests if each.platform is not None and not each.is_attestation
            )
        else:
            platforms = await self._platform(source.connection.host, reference, document.config, auth)
        described = Descriptor(media_type=document.media_type, digest=found.digest, size=found.size)
        return RemoteImage(descriptor=described, platforms=platforms)

    async def tags(self, repository: str, *, auth: Credentials | None = None) -> builtins.list[str]:
        """The tags of a repository (``NAME/PATH``). ManifestNotFound when there is no such one."""
        wanted = remote(repository)
        return await self._client.target(wanted.domain, wanted.repository, auth).tags()

    async def referrers(
        self, reference: str, *, artifact_type: str | None = None, auth: Credentials | None = None
    ) -> builtins.list[Descriptor]:
        """What refers to an image: signatures, lists of its parts. ``reference`` may have a tag or a digest. ManifestNotFound."""
        wanted = remote(reference)
        target = self._client.target(wanted.domain, wanted.repository, auth)
        digest = wanted.digest or (await target.manifest(wanted.reference, mediatypes.ACCEPTED)).digest
        hexadecimal(digest)
        found = await target.referrers(digest, artifact_type)
        return [descriptor(item, f"referrers of {digest}") for item in found]

    async def search(
        self, words: str, *, limit: int = 25, auth: Credentials | None = None
    ) -> builtins.list[SearchResult]:
        """Repositories by words: ``busybox`` at Docker Hub, ``NAME:PORT/busybox`` at another registry that has an index (most have none)."""
        head, slash, rest = words.partition("/")
        elsewhere = bool(slash) and (head == "localhost" or any(sign in head for sign in ".:"))
        domain, wanted = (domain_of(head), rest) if elsewhere else (DOCKER_HUB, words)
        return await self._client.search(domain, wanted, limit, auth)

    async def _platform(
        self, host: str, reference: str, config: Descriptor, auth: Credentials | None
    ) -> tuple[Platform, ...]:
        """A manifest says it in its configuration."""
        wanted = remote(reference)
        for source in self._client.sources(wanted.domain, wanted.repository, auth):
            if source.host == host:
                found = await source.document(config.digest, config.size)
                return (platform_of(*(str(found.get(name) or "") for name in ("os", "architecture", "variant"))),)
        return ()
