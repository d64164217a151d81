"""A context as an archive, as ``docker context export`` writes it: ``meta.json``, and its TLS files below ``tls``."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Final

import attrs

from pyctl.contexts import TLS_FILES, Context, parse
from pyctl.errors import InvalidContext

_META: Final = "meta.json"
_MOST: Final = 10 << 20  # bytes; docker's limit


def packed(context: Context) -> bytes:
    """A tar."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        _add(archive, _META, json.dumps(context.meta(), separators=(",", ":")).encode(), 0o644)
        for name in ("tls", "tls/docker") if context.tls else ("tls",):
            directory = tarfile.TarInfo(name)
            directory.type, directory.mode = tarfile.DIRTYPE, 0o700
            archive.addfile(directory)
        for name, content in sorted(context.tls.items()):
            _add(archive, f"tls/docker/{name}", content, 0o600)
    return data.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    archive.addfile(member, io.BytesIO(content))


def unpacked(data: bytes, where: str) -> Context:
    """Read one; names that have no meaning are passed over, so none leads anywhere. Raises `InvalidContext`."""
    if len(data) > _MOST:
        raise InvalidContext(f"{where}: larger than {_MOST} bytes")
    try:
        files = dict(_zip(data) if zipfile.is_zipfile(io.BytesIO(data)) else _tar(data))
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise InvalidContext(f"{where}: no tar or zip: {error}") from error
    if _META not in files:
        raise InvalidContext(f"{where}: invalid context: no {_META} found")
    tls = {name: files[path] for name in TLS_FILES if (path := f"tls/docker/{name}") in files}
    return attrs.evolve(parse(files[_META], f"{where}: {_META}"), tls=tls)


def _tar(data: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            if member.isreg() and (file := archive.extractfile(member)) is not None:
                yield member.name.removeprefix("./"), file.read(_MOST)


def _zip(data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                yield name, file.read(_MOST)
