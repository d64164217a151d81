"""What an import takes of the memory does not grow with the image: docs/supervisor/recovery.md states the bound."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

import pytest
import zstandard
from isal import igzip

from tests.supervisor.archives import entry, layer, oci_layout

BOUND = 16 << 10
"""KiB. Between 4 and 7 MiB have been measured; a layer of this size, or its files, would be many times that."""
SIZE = 96 << 20
FILES = 20_000


def big_files(target: IO[bytes]) -> None:
    """Content that no compression makes smaller, and no file system stores as a hole."""
    block = os.urandom(1 << 20)
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for number in range(4):
            archive.addfile(entry(f"big{number}", size=SIZE // 4), cast(IO[bytes], _Repeated(block, SIZE // 4)))


def many_files(target: IO[bytes]) -> None:
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for number in range(FILES):
            archive.addfile(
                entry(f"directory{number % 100}/file{number}", size=10, mtime=number), io.BytesIO(b"0123456789")
            )


class _Repeated(io.RawIOBase):
    def __init__(self, block: bytes, size: int) -> None:
        self._block, self._left = block, size

    def read(self, size: int = -1) -> bytes:
        piece = self._block[: min(size, self._left)]
        self._left -= len(piece)
        return piece


def plain(path: Path) -> IO[bytes]:
    return path.open("wb")


def gzip(path: Path) -> IO[bytes]:
    return cast(IO[bytes], igzip.open(path, "wb", compresslevel=0))  # type: ignore[no-untyped-call]


def zstd(path: Path) -> IO[bytes]:
    return cast(IO[bytes], zstandard.open(path, "wb"))


def growth(directory: Path, kind: str, archive: Path) -> int:
    """KiB that a program of its own took for it."""
    (archive.with_name("small.tar")).write_bytes(b"\0" * 10240)
    command = [sys.executable, "-m", "tests.supervisor.memory", str(directory), kind, str(archive)]
    return int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fill", "compress"), [(big_files, plain), (big_files, gzip), (big_files, zstd), (many_files, zstd)]
)
def test_unpacking(tmp_short: Path, compress: Callable[[Path], IO[bytes]], fill: Callable[[IO[bytes]], None]) -> None:
    archive = tmp_short / "layer.tar"
    with compress(archive) as file:
        fill(file)
    grown = growth(tmp_short, "rootfs", archive)
    print(fill.__name__, compress.__name__, grown, "KiB")
    assert grown < BOUND


@pytest.mark.slow
@pytest.mark.parametrize("compressed", [False, True], ids=["layout", "compressed archive"])
def test_an_archive_of_an_image(tmp_short: Path, compressed: bool) -> None:
    blobs = tmp_short / "layout/blobs/sha256"
    blobs.mkdir(parents=True)
    with plain(tmp_short / "layer") as file:
        big_files(file)
    with (tmp_short / "layer").open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    os.rename(tmp_short / "layer", blobs / digest)
    config = json.dumps({"rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}).encode()
    config_name = f"blobs/sha256/{hashlib.sha256(config).hexdigest()}"
    (tmp_short / "layout" / config_name).write_bytes(config)
    manifest = [{"Config": config_name, "RepoTags": ["big:1"], "Layers": [f"blobs/sha256/{digest}"]}]
    (tmp_short / "layout/manifest.json").write_text(json.dumps(manifest))
    archive = tmp_short / "layout"
    if compressed:
        archive = tmp_short / "saved.tar.gz"
        with gzip(archive) as file, tarfile.open(fileobj=file, mode="w|") as whole:
            whole.add(tmp_short / "layout", ".")
    grown = growth(tmp_short, "archive", archive)
    print("archive", grown, "KiB")
    assert grown < BOUND


@pytest.mark.slow
@pytest.mark.parametrize("compression", [igzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_layers_side_by_side(tmp_short: Path, compression: Callable[[bytes], bytes]) -> None:
    layers = [layer((f"big{number}", os.urandom(SIZE // 6))) for number in range(6)]
    oci_layout(tmp_short / "layout", layers, compress=compression, honest=False)
    grown = growth(tmp_short, "archive", tmp_short / "layout")
    print("layers", grown, "KiB")
    assert grown < BOUND


@pytest.mark.slow
def test_exporting(tmp_short: Path) -> None:
    archive = tmp_short / "layer.tar"
    with plain(archive) as file:
        big_files(file)
    grown = growth(tmp_short, "export", archive)
    print("export", grown, "KiB")
    assert grown < BOUND
