"""Archives of images as they are handed around: ``docker save`` archives (old and new form) and OCI layouts, as tar or as a directory."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from attrs import frozen

from pycontainerd.confined import open_in_root
from pycontainerd.content.digest import hexadecimal
from pycontainerd.content.store import PIECE
from pycontainerd.diff.compression import DAMAGED, decompressed, is_compressed
from pycontainerd.diff.tar import StrictArchive
from pycontainerd.errors import DigestMismatch, ImageError, InvalidDigest

_DOCUMENT_LIMIT = 8 << 20
_MOST_MEMBERS = 1 << 16
"""Files of an archive, each of which costs a kilobyte of memory; an image of as many layers as overlayfs stacks has some thousand."""
_MOST_LAYERS = 500
"""OVL_MAX_STACK of the kernel. More could be unpacked, one by one and on end, but never mounted."""
_NAME = "org.opencontainers.image.ref.name"
_CONTAINERD_NAME = "io.containerd.image.name"
_INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")


@frozen(kw_only=True)
class ArchivedLayer:
    """Where a layer is in the archive, and the digest and size of the blob where they are promised."""

    member: str
    digest: str | None = None
    size: int | None = None


@frozen(kw_only=True)
class ArchivedImage:
    """An image in an archive: its configuration document, its names, its layers, lowest first."""

    config: str
    names: tuple[str, ...]
    layers: tuple[ArchivedLayer, ...]
    config_digest: str | None = None


class Members(Protocol):
    """The files of an archive."""

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """The file. ImageError when it is missing or not a file."""
        ...


class _Tar:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._members: dict[str, tarfile.TarInfo] = {}
        for count, member in enumerate(archive):
            if count == _MOST_MEMBERS:
                raise ImageError(
                    f"archive: more than {_MOST_MEMBERS} files; a root file system is imported, not loaded"
                )
            self._members[str(PurePosixPath(member.name))] = member

    def has(self, name: str) -> bool:
        return str(PurePosixPath(name)) in self._members

    def open(self, name: str) -> IO[bytes]:
        member = self._members.get(str(PurePosixPath(name)))
        # docker's old archives link equal layers to each other: a link is looked up in the archive, never on the disk.
        for _ in range(8):
            if member is None or not (member.issym() or member.islnk()):
                break
            base = PurePosixPath(member.name).parent if member.issym() else PurePosixPath()
            member = self._members.get(_joined(base, member.linkname))
        file = self._archive.extractfile(member) if member is not None and member.isreg() else None
        if file is None:
            raise ImageError(f"archive: {name}: missing")
        return file


class _Directory:
    """``root`` is a descriptor. Symbolic links are followed, but never out of it; and only files are opened, no fifo that blocks."""

    def __init__(self, root: int) -> None:
        self._root = root

    def has(self, name: str) -> bool:
        try:
            self.open(name).close()
        except ImageError:
            return False
        return True

    def open(self, name: str) -> IO[bytes]:
        try:
            descriptor = open_in_root(self._root, name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as error:
            raise ImageError(f"OCI layout: {name}: {error.strerror}") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ImageError(f"OCI layout: {name}: not a file")
        return open(descriptor, "rb")


@contextmanager
def members_of(source: Path | IO[bytes], spool: Callable[[], IO[bytes]]) -> Iterator[Members]:
    """The files of an OCI layout directory, or of a tar (plain, gzip or zstd). ImageError when it is neither, OSError when it is not there.

    ``spool`` makes a temporary file: a compressed archive is unpacked into one, because its files are wanted in another order.
    """
    with ExitStack() as opened:
        if isinstance(source, Path) and source.is_dir():
            root = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            opened.callback(os.close, root)
            yield _Directory(root)
            return
        try:
            file = opened.enter_context(open(source, "rb")) if isinstance(source, Path) else source
            if is_compressed(file):
                file = _plain_copy(file, opened.enter_context(spool()))
            archive = opened.enter_context(StrictArchive.open(fileobj=file, mode="r:"))
            yield _Tar(archive)
        except (tarfile.TarError, *DAMAGED) as error:
            raise ImageError(f"archive: not a tar archive, damaged or truncated: {error}") from error


def _plain_copy(compressed: IO[bytes], plain: IO[bytes]) -> IO[bytes]:
    shutil.copyfileobj(decompressed(compressed), plain, PIECE)
    plain.seek(0)
    return plain


def read(members: Members, architecture: str) -> list[ArchivedImage]:
    """The images of an archive. Of an index that offers several platforms, the one for ``architecture``. ImageError."""
    if members.has("manifest.json"):
        return [_docker(members, item) for item in _list(members, "manifest.json")]
    if members.has("index.json"):
        index = _objects(_object(members, "index.json"), "manifests", "index.json")
        return [_oci(members, descriptor, architecture) for descriptor in index if not _is_attestation(descriptor)]
    raise ImageError("archive: neither manifest.json (docker save) nor index.json (OCI layout) is in it")


def _docker(members: Members, item: Any) -> ArchivedImage:
    if not isinstance(item, dict) or not isinstance(item.get("Config"), str) or not _are_texts(item.get("Layers")):
        raise ImageError("manifest.json: each entry needs Config and Layers")
    if not _are_texts(item.get("RepoTags") or []):
        raise ImageError("manifest.json: RepoTags: expected a list of names")
    layers = [ArchivedLayer(member=name, digest=_named_digest(name)) for name in item["Layers"]]
    return ArchivedImage(
        config=_text(members, item["Config"]),
        names=tuple(item.get("RepoTags") or ()),
        layers=_stackable(layers),
        config_digest=_named_digest(item["Config"]),
    )


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _stackable(layers: list[ArchivedLayer]) -> tuple[ArchivedLayer, ...]:
    if len(layers) > _MOST_LAYERS:
        raise ImageError(f"archive: an image of {len(layers)} layers; overlayfs stacks {_MOST_LAYERS}")
    return tuple(layers)


def _named_digest(name: str) -> str | None:
    """docker names files by what is in them: blobs/sha256/HEX, or HEX.json. Then the content has to be that."""
    digest = f"sha256:{PurePosixPath(name).name.removesuffix('.json')}"
    try:
        hexadecimal(digest)
    except InvalidDigest:
        return None
    return digest


def _oci(members: Members, descriptor: Mapping[str, Any], architecture: str) -> ArchivedImage:
    document = _verified(members, descriptor, "index.json")
    if descriptor.get("mediaType") in _INDEXES or "manifests" in document:
        chosen = _choose(_objects(document, "manifests", "index"), architecture)
        inner = _oci(members, chosen, architecture)
        return ArchivedImage(
            config=inner.config, names=_names(descriptor), layers=inner.layers, config_digest=inner.config_digest
        )
    config = document.get("config")
    if not isinstance(config, dict):
        raise ImageError("manifest: config: missing")
    layers = [
        ArchivedLayer(member=_blob(layer, "manifest"), digest=layer["digest"], size=_size(layer, "manifest"))
        for layer in _objects(document, "layers", "manifest")
    ]
    member = _blob(config, "manifest")
    return ArchivedImage(
        config=_text(members, member),
        names=_names(descriptor),
        layers=_stackable(layers),
        config_digest=config["digest"],
    )


def _choose(manifests: Sequence[Mapping[str, Any]], architecture: str) -> Mapping[str, Any]:
    for manifest in manifests:
        platform = _platform(manifest)
        if platform.get("architecture") == architecture and platform.get("os") == "linux":
            return manifest
    raise ImageError(f"index: no manifest for linux/{architecture}")


def _platform(descriptor: Mapping[str, Any]) -> Mapping[str, Any]:
    platform = descriptor.get("platform")
    return platform if isinstance(platform, dict) else {}


def _is_attestation(descriptor: Mapping[str, Any]) -> bool:
    """buildx puts statements about an image beside it, as if they were images for a platform that does not exist."""
    return bool(_platform(descriptor).get("os") == "unknown")


def _names(descriptor: Mapping[str, Any]) -> tuple[str, ...]:
    annotations = descriptor.get("annotations")
    if not isinstance(annotations, dict):
        return ()
    name = annotations.get(_CONTAINERD_NAME) or annotations.get(_NAME)
    # The ref.name of a layout may be a bare tag ("latest"), which names nothing by itself.
    return (name,) if isinstance(name, str) and (":" in name or "/" in name) else ()


def _blob(descriptor: Mapping[str, Any], where: str) -> str:
    try:
        return f"blobs/sha256/{hexadecimal(descriptor.get('digest'))}"
    except InvalidDigest as error:
        raise ImageError(f"{where}: {error}") from error


def _size(descriptor: Mapping[str, Any], where: str) -> int | None:
    size = descriptor.get("size")
    if size is not None and not isinstance(size, int):
        raise ImageError(f"{where}: size: expected a number, got {size!r}")
    return size


def _text(members: Members, name: str) -> str:
    with members.open(name) as file:
        data = file.read(_DOCUMENT_LIMIT + 1)
    if len(data) > _DOCUMENT_LIMIT:
        raise ImageError(f"archive: {name}: larger than {_DOCUMENT_LIMIT} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ImageError(f"archive: {name}: not UTF-8") from error


def _parsed(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ImageError(f"archive: {name}: not JSON: {error}") from error


def _verified(members: Members, descriptor: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The document that a descriptor names. DigestMismatch when it is another one; so no index can contain itself either."""
    name = _blob(descriptor, where)
    text = _text(members, name)
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    if digest != descriptor["digest"]:
        raise DigestMismatch(f"archive: {name}", descriptor["digest"], digest)
    return _as_object(name, text)


def _object(members: Members, name: str) -> dict[str, Any]:
    return _as_object(name, _text(members, name))


def _as_object(name: str, text: str) -> dict[str, Any]:
    value = _parsed(name, text)
    if not isinstance(value, dict):
        raise ImageError(f"archive: {name}: expected an object")
    return value


def _list(members: Members, name: str) -> list[Any]:
    value = _parsed(name, _text(members, name))
    if not isinstance(value, list):
        raise ImageError(f"archive: {name}: expected a list")
    return value


def _objects(document: Mapping[str, Any], field: str, where: str) -> list[dict[str, Any]]:
    value = document.get(field)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ImageError(f"{where}: {field}: expected a list of objects")
    return value


def _joined(base: PurePosixPath, link: str) -> str:
    parts: list[str] = []
    for part in (base / link).parts:
        if part == "..":
            parts[-1:] = []
        elif part != "/":
            parts.append(part)
    return "/".join(parts)
