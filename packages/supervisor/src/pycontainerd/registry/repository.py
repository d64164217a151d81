"""One repository of one registry: manifests, tags and referrers (distribution-spec, "Endpoints")."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final
from urllib.parse import quote, urljoin

from attrs import frozen

from pycontainerd.content.digest import hexadecimal
from pycontainerd.errors import DigestMismatch, InvalidDigest, ManifestNotFound, RegistryRefused
from pycontainerd.registry.answers import problem
from pycontainerd.registry.connection import Connection
from pycontainerd.registry.http import Answer

MANIFEST_LIMIT: Final = 4 << 20
"""Bytes of a manifest (distribution-spec, "Pushing Manifests")."""
_MOST_PAGES: Final = 1000
_LINK: Final = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')


@frozen(kw_only=True)
class Found:
    """A manifest or an index as a registry has it; ``data`` is empty where only its digest was asked for."""

    digest: str
    media_type: str
    size: int
    data: bytes = b""


class Repository:
    """``name`` is the path below the registry, without a tag. Every method tries again what may pass."""

    def __init__(self, connection: Connection, name: str) -> None:
        self.connection, self.name = connection, name

    @property
    def host(self) -> str:
        """What the registry is called."""
        return self.connection.host

    def __str__(self) -> str:
        return f"{self.host}/{self.name}"

    def path(self, rest: str) -> str:
        """A path of the API that belongs to this repository."""
        return f"/v2/{self.name}/{rest}"

    def scopes(self, *actions: str, also: Sequence[str] = ()) -> tuple[str, ...]:
        """What a token has to be good for; ``also`` are repositories to read from."""
        own = f"repository:{self.name}:{','.join(actions)}"
        return (own, *(f"repository:{other}:pull" for other in also))

    # -- manifests -----------------------------------------------------------------------------------------------------------

    async def resolve(self, reference: str, accept: Sequence[str]) -> Found | None:
        """What a tag or digest stands for, by a request without a body; None where the registry does not say.

        ManifestNotFound, RegistryError.
        """

        async def attempt() -> Found | None:
            async with self._manifest("HEAD", reference, accept) as answer:
                self._check_found(answer, reference)
                return _described(answer)

        found: Found | None = await self.connection.retried(f"manifest {self.name}:{reference}", attempt)
        return found

    async def manifest(self, reference: str, accept: Sequence[str], size: int | None = None) -> Found:
        """The manifest of a tag or digest. ManifestNotFound, DigestMismatch, RegistryError."""

        async def attempt() -> Found:
            async with self._manifest("GET", reference, accept) as answer:
                self._check_found(answer, reference)
                data = await self._whole(answer, reference)
                return self._verified(answer, reference, data, size)

        found: Found = await self.connection.retried(f"manifest {self.name}:{reference}", attempt)
        return found

    async def put_manifest(self, reference: str, media_type: str, data: bytes) -> str:
        """Store it under a tag or its digest, which is returned. RegistryError; DigestMismatch when the registry has made another of it."""
        digest = _digest(data)

        async def attempt() -> None:
            request = self.connection.request(
                "PUT",
                self.path(f"manifests/{quote(reference, safe=':')}"),
                scopes=self.scopes("pull", "push"),
                headers={"Content-Type": media_type},
                data=lambda: data,
                expect=(201, 200, 202),
                what=f"push manifest {self.name}:{reference}",
            )
            async with request as answer:
                said = answer.response.headers.get("Docker-Content-Digest", digest)
                if said != digest:
                    raise DigestMismatch(f"manifest {self.name}:{reference} as the registry has it", digest, said[:80])

        await self.connection.retried(f"push manifest {self.name}:{reference}", attempt)
        return digest

    def _manifest(self, method: str, reference: str, accept: Sequence[str]) -> Any:
        return self.connection.request(
            method,
            self.path(f"manifests/{quote(reference, safe=':')}"),
            scopes=self.scopes("pull"),
            headers={"Accept": ", ".join(accept)},
            expect=(200, 404),
            what=f"manifest {self.name}:{reference}",
        )

    def _check_found(self, answer: Answer, reference: str) -> None:
        if answer.response.status == 404:
            separator = "@" if reference.startswith("sha256:") else ":"
            raise ManifestNotFound(f"{self}{separator}{reference}", "manifest unknown: manifest unknown")

    async def _whole(self, answer: Answer, reference: str) -> bytes:
        data = await answer.whole(MANIFEST_LIMIT)
        if len(data) > MANIFEST_LIMIT:
            raise RegistryRefused(self.host, f"manifest {self.name}:{reference}: larger than {MANIFEST_LIMIT} bytes")
        return data

    def _verified(self, answer: Answer, reference: str, data: bytes, size: int | None) -> Found:
        """By a digest, it has to be that one; by a tag, the one that the registry says that it is."""
        digest, what = _digest(data), f"manifest {self.name}:{reference}"
        said = answer.response.headers.get("Docker-Content-Digest", "")
        expected = reference if ":" in reference else said if said.startswith("sha256:") else digest
        if expected != digest:
            raise DigestMismatch(what, expected[:80], digest)
        if size not in (None, len(data)):
            raise DigestMismatch(f"{what}: size", size, len(data))
        media_type = answer.response.headers.get("Content-Type", "").partition(";")[0].strip()
        return Found(digest=digest, media_type=media_type, size=len(data), data=data)

    # -- blobs ---------------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def blob(self, digest: str, offset: int, what: str) -> AsyncIterator[Answer]:
        """One attempt to get a blob, from ``offset`` on if the registry can. Transient, RegistryError."""
        request = self.connection.request(
            "GET",
            self.path(f"blobs/{digest}"),
            scopes=self.scopes("pull"),
            headers={"Range": f"bytes={offset}-"} if offset else {},
            expect=(200, 206, 404, 416),
            what=what,
        )
        async with request as answer:
            if answer.response.status == 404:
                raise RegistryRefused(self.host, f"{what}: it does not have it")
            yield answer

    async def document(self, digest: str, size: int) -> dict[str, Any]:
        """A small blob that is a JSON object, verified. DigestMismatch, RegistryError."""
        what = f"blob {digest}"

        async def attempt() -> bytes:
            async with self.blob(digest, 0, what) as answer:
                return await answer.whole(min(size, MANIFEST_LIMIT))

        data = await self.connection.retried(what, attempt)
        if _digest(data) != digest:
            raise DigestMismatch(what, digest, _digest(data))
        return self._object(data, what)

    async def has_blob(self, digest: str, size: int) -> bool:
        """Whether the registry has a blob, of this size as far as it says."""

        async def attempt() -> bool:
            request = self.connection.request(
                "HEAD", self.path(f"blobs/{digest}"), scopes=self.scopes("pull", "push"), expect=(200, 404)
            )
            async with request as answer:
                length = answer.response.headers.get("Content-Length", str(size))
                return answer.response.status == 200 and length == str(size)

        return bool(await self.connection.retried(f"blob {digest}", attempt))

    # -- what there is -------------------------------------------------------------------------------------------------------

    async def tags(self) -> list[str]:
        """All tags, page by page. ManifestNotFound when there is no such repository."""
        found: list[str] = []
        for document in await self._pages(self.path("tags/list"), f"tags of {self.name}"):
            listed = document.get("tags") or []
            if not isinstance(listed, list):
                raise RegistryRefused(self.host, f"tags of {self.name}: expected a list")
            found += [tag for tag in listed if isinstance(tag, str)]
        return found

    async def referrers(self, digest: str, artifact_type: str | None = None) -> list[Mapping[str, Any]]:
        """Descriptors of what refers to a manifest: signatures, lists of parts (distribution-spec, "Listing Referrers").

        A registry that does not know the question keeps them in an index under a tag made of the digest.
        """
        query = f"?artifactType={quote(artifact_type)}" if artifact_type else ""
        try:
            documents = await self._pages(self.path(f"referrers/{digest}{query}"), f"referrers of {digest}")
        except ManifestNotFound:
            documents = await self._tagged_referrers(digest)
        found = [item for document in documents for item in document.get("manifests") or [] if isinstance(item, dict)]
        return [item for item in found if artifact_type in (None, item.get("artifactType"))]

    async def _tagged_referrers(self, digest: str) -> list[dict[str, Any]]:
        try:
            found = await self.manifest(f"sha256-{hexadecimal(digest)}", ("application/vnd.oci.image.index.v1+json",))
        except ManifestNotFound:
            return []
        return [self._object(found.data, f"referrers of {digest}")]

    async def _pages(self, path: str, what: str) -> list[dict[str, Any]]:
        found = []
        for _ in range(_MOST_PAGES):
            document, following = await self.connection.retried(what, partial(self._page, path, what))
            found.append(document)
            if following is None or following == path:
                return found
            path = following
        raise RegistryRefused(self.host, f"{what}: more than {_MOST_PAGES} pages")

    async def _page(self, path: str, what: str) -> tuple[dict[str, Any], str | None]:
        request = self.connection.request("GET", path, scopes=self.scopes("pull"), expect=(200, 404), what=what)
        async with request as answer:
            if answer.response.status == 404:
                raise ManifestNotFound(str(self), await problem(answer.response))
            data = await self._whole(answer, what)
            link = _LINK.search(answer.response.headers.get("Link", ""))
            return self._object(data, what), urljoin(answer.url, link[1]) if link else None

    def _object(self, data: bytes, what: str) -> dict[str, Any]:
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise RegistryRefused(self.host, f"{what}: the answer is not what it should be")
        return document


def _described(answer: Answer) -> Found | None:
    headers = answer.response.headers
    digest = headers.get("Docker-Content-Digest", "")
    try:
        hexadecimal(digest)
    except InvalidDigest:
        return None
    media_type = headers.get("Content-Type", "").partition(";")[0].strip()
    return Found(digest=digest, media_type=media_type, size=answer.response.content_length or 0)


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
