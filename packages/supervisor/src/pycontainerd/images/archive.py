"""Archives of images as they are handed around: ``docker save`` archives (old and new form) and OCI layouts, as tar or as a directory."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol, cast

from attrs import evolve, frozen

from pycontainerd.confined import open_in_root
from pycontainerd.content.blob import PIECE
from pycontainerd.content.digest import hexadecimal
from pycontainerd.diff.compression import DAMAGED, decompressed, is_compressed
from pycontainerd.diff.tar import StrictArchive
from pycontainerd.errors import DigestMismatch, ImageError, InvalidDigest
from pycontainerd.images import mediatypes
from pycontainerd.images.documents import (
    MOST_LAYERS,
    Descriptor,
    Index,
    Manifest,
    digest_of,
    image_only,
    read_document,
)
from pycontainerd.images.platforms import Platform, choose, listed

_DOCUMENT_LIMIT = 8 << 20
_MOST_MEMBERS = 1 << 16
"""Files of an archive, each of which costs a kilobyte of memory; an image of as many layers as overlayfs stacks has some thousand."""
_NAME = "org.opencontainers.image.ref.name"
_CONTAINERD_NAME = "io.containerd.image.name"


@frozen(kw_only=True)
class ArchivedLayer:
    """Where a layer is in the archive, and the digest and size of the blob where they are promised."""

    member: str
    digest: str | None = None
    size: int | None = None


@frozen(kw_only=True)
class ArchivedImage:
    """An image in an archive: its configuration document, its names, its layers, lowest first, and the manifest that names them, if any."""

    config: str
    names: tuple[str, ...]
    layers: tuple[ArchivedLayer, ...]
    config_digest: str | None = None
    manifest: str = ""


class Members(Protocol):
    """The files of an archive."""

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """The file. ImageError when it is missing or not a file. Those that are open at once are read by one thread."""
        ...

    def apart(self, name: str) -> IO[bytes] | None:
        """The same for another thread; None where that cannot be had."""
        ...


class _Tar:
    def __init__(self, archive: tarfile.TarFile, file: IO[bytes]) -> None:
        self._archive, self._file = archive, file
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
        file = self._archive.extractfile(self._member(name))
        assert file is not None, "a regular file"
        return file

    def apart(self, name: str) -> IO[bytes] | None:
        member = self._member(name)
        if member.sparse is not None:
            return None
        descriptor = os.open(f"/proc/self/fd/{self._file.fileno()}", os.O_RDONLY | os.O_CLOEXEC)
        return cast("IO[bytes]", io.BufferedReader(Part(descriptor, member.offset_data, member.size), PIECE))

    def _member(self, name: str) -> tarfile.TarInfo:
        member = self._members.get(str(PurePosixPath(name)))
        # docker's old archives link equal layers to each other: a link is looked up in the archive, never on the disk.
        for _ in range(8):
            if member is None or not (member.issym() or member.islnk()):
                break
            base = PurePosixPath(member.name).parent if member.issym() else PurePosixPath()
            member = self._members.get(_joined(base, member.linkname))
        if member is None or not member.isreg():
            raise ImageError(f"archive: {name}: missing")
        return member


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

    def apart(self, name: str) -> IO[bytes] | None:
        return self.open(name)


class Part(io.RawIOBase):
    """``size`` bytes of an open file, from ``start`` on. The descriptor is closed with it."""

    def __init__(self, descriptor: int, start: int, size: int) -> None:
        super().__init__()
        self._descriptor, self._start, self._size, self._at = descriptor, start, size, 0

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)[: max(0, self._size - self._at)]
        count = os.preadv(self._descriptor, [view], self._start + self._at) if view else 0
        self._at += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence] + offset
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


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
            yield _Tar(archive, file)
        except (tarfile.TarError, *DAMAGED) as error:
            raise ImageError(f"archive: not a tar archive, damaged or truncated: {error}") from error


def _plain_copy(compressed: IO[bytes], plain: IO[bytes]) -> IO[bytes]:
    shutil.copyfileobj(decompressed(compressed), plain, PIECE)
    plain.seek(0)
    return plain


def read(members: Members, platform: Platform) -> list[ArchivedImage]:
    """The images of an archive. Of an index that offers several platforms, the one that suits ``platform`` best. ImageError."""
    docker = (
        [_docker(members, item) for item in _list(members, "manifest.json")] if members.has("manifest.json") else []
    )
    if members.has("index.json") and (members.has("oci-layout") or not docker):
        return _named_as(_layout(members, platform), docker) or docker
    if docker or members.has("manifest.json"):
        return docker
    raise ImageError("archive: neither manifest.json (docker save) nor index.json (OCI layout) is in it")


def _named_as(found: list[ArchivedImage], others: list[ArchivedImage]) -> list[ArchivedImage]:
    """An archive in both forms is read as a layout, which has the manifests; some tools write names into the other form only."""
    names = {each.config_digest or "": each.names for each in others}
    return [
        evolve(each, names=tuple(dict.fromkeys((*each.names, *names.get(each.config_digest or "-", ())))))
        for each in found
    ]


def _docker(members: Members, item: Any) -> ArchivedImage:
    if not isinstance(item, dict) or not isinstance(item.get("Config"), str) or not _are_texts(item.get("Layers")):
        raise ImageError("manifest.json: each entry needs Config and Layers")
    if not _are_texts(item.get("RepoTags") or []):
        raise ImageError("manifest.json: RepoTags: expected a list of names")
    layers = tuple(ArchivedLayer(member=name, digest=_named_digest(name)) for name in item["Layers"])
    if len(layers) > MOST_LAYERS:
        raise ImageError(f"archive: an image of {len(layers)} layers; overlayfs stacks {MOST_LAYERS}")
    return ArchivedImage(
        config=_text(members, item["Config"]),
        names=tuple(item.get("RepoTags") or ()),
        layers=layers,
        config_digest=_named_digest(item["Config"]),
    )


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _named_digest(name: str) -> str | None:
    """docker names files by what is in them: blobs/sha256/HEX, or HEX.json. Then the content has to be that."""
    digest = f"sha256:{PurePosixPath(name).name.removesuffix('.json')}"
    try:
        hexadecimal(digest)
    except InvalidDigest:
        return None
    return digest


def _layout(members: Members, platform: Platform) -> list[ArchivedImage]:
    """An image that has several names has a descriptor for each of them."""
    index = read_document(_text(members, "index.json").encode(), mediatypes.INDEX, "archive: index.json")
    if not isinstance(index, Index):
        raise ImageError("archive: index.json: is not an index")
    found: dict[str, ArchivedImage] = {}
    for descriptor in index.manifests:
        if descriptor.is_attestation:
            continue
        image = found.get(descriptor.digest) or _image(members, descriptor, platform)
        names = dict.fromkeys((*image.names, *_names(descriptor)))
        found[descriptor.digest] = evolve(image, names=tuple(names))
    return list(found.values())


def _image(members: Members, descriptor: Descriptor, platform: Platform) -> ArchivedImage:
    where = f"archive: {_blob(descriptor)}"
    document = _document(members, descriptor, where)
    if isinstance(document, Index):
        return _image(members, chosen(document, platform, where), platform)
    image_only(document, where)
    layers = tuple(
        ArchivedLayer(member=_blob(layer), digest=layer.digest, size=layer.size) for layer in document.layers
    )
    return ArchivedImage(
        config=_text(members, _blob(document.config)),
        names=(),
        layers=layers,
        config_digest=document.config.digest,
        manifest=document.document.decode(),
    )


def chosen(index: Index, platform: Platform, where: str) -> Descriptor:
    """The manifest that suits a platform best. ImageError."""
    offered = [(each.platform, each) for each in index.manifests if not each.is_attestation]
    found = choose(offered, platform)
    if found is None:
        raise ImageError(f"{where}: no manifest for {platform}; there are {listed([each for each, _ in offered])}")
    return found


def _document(members: Members, descriptor: Descriptor, where: str) -> Manifest | Index:
    """The document that a descriptor names. DigestMismatch when it is another one; so no index can contain itself either."""
    data = _text(members, _blob(descriptor)).encode()
    if digest_of(data) != descriptor.digest:
        raise DigestMismatch(where, descriptor.digest, digest_of(data))
    return read_document(data, descriptor.media_type, where)


def _names(descriptor: Descriptor) -> tuple[str, ...]:
    name = descriptor.annotations.get(_CONTAINERD_NAME) or descriptor.annotations.get(_NAME) or ""
    # The ref.name of a layout may be a bare tag ("latest"), which names nothing by itself.
    return (name,) if ":" in name or "/" in name else ()


def _blob(descriptor: Descriptor) -> str:
    return f"blobs/sha256/{hexadecimal(descriptor.digest)}"


def _text(members: Members, name: str) -> str:
    with members.open(name) as file:
        data = file.read(_DOCUMENT_LIMIT + 1)
    if len(data) > _DOCUMENT_LIMIT:
        raise ImageError(f"archive: {name}: larger than {_DOCUMENT_LIMIT} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ImageError(f"archive: {name}: not UTF-8") from error


def _list(members: Members, name: str) -> list[Any]:
    try:
        value = json.loads(_text(members, name))
    except (ValueError, RecursionError) as error:
        raise ImageError(f"archive: {name}: not JSON: {error}") from error
    if not isinstance(value, list):
        raise ImageError(f"archive: {name}: expected a list")
    return value


def _joined(base: PurePosixPath, link: str) -> str:
    parts: list[str] = []
    for part in (base / link).parts:
        if part == "..":
            parts[-1:] = []
        elif part != "/":
            parts.append(part)
    return "/".join(parts)
