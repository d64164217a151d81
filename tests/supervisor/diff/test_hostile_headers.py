"""Headers that cost more than they weigh: each of these took the daemon's memory, its processor, or its composure."""

from __future__ import annotations

import gzip
import io
import itertools
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path

import pytest

from pycontainerd.content.store import ContentStore
from pycontainerd.diff.apply import apply
from pycontainerd.diff.tar import MOST_OF_A_HEADER
from pycontainerd.errors import ImageError, LayerError
from pycontainerd.images.archive import members_of

END = bytes(1024)
FILE = tarfile.TarInfo("file").tobuf(tarfile.GNU_FORMAT)


def header(kind: bytes, size: int, name: str = "header") -> bytes:
    made = tarfile.TarInfo(name)
    made.type, made.size = kind, size
    return made.tobuf(tarfile.GNU_FORMAT)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


def pax(*records: tuple[str, bytes]) -> bytes:
    content = b""
    for key, value in records:
        rest = b" " + key.encode() + b"=" + value + b"\n"
        length = next(n for n in itertools.count(len(rest)) if len(str(n)) + len(rest) == n)
        content += str(length).encode() + rest
    return header(tarfile.XHDTYPE, len(content)) + padded(content)


def extended(content: bytes) -> bytes:
    return header(tarfile.XHDTYPE, len(content)) + padded(content)


SPARSE = bytearray(header(tarfile.GNUTYPE_SPARSE, 0))
SPARSE[482] = 1  # "another block of the map follows", as each of them says
SPARSE[148:156] = b"%06o\0 " % (sum(SPARSE[:148]) + sum(SPARSE[156:]) + 8 * 32)

HOSTILE = {
    "a thousand extended headers in a row": pax(("a", b"b")) * 3000 + FILE,
    "a thousand long names in a row": (header(tarfile.GNUTYPE_LONGNAME, 2) + padded(b"a\0")) * 3000 + FILE,
    "the square of a header": extended(b"1" * 900_000) + FILE,
    "the square of a valid record": pax(("comment", b"1" * (MOST_OF_A_HEADER - 2000))) + FILE[:100],
    "an extended header of a negative size": header(tarfile.XHDTYPE, -1024) + FILE,
    "a file of a negative size": header(tarfile.REGTYPE, -512),
    "a file of a negative size by its record": pax(("size", b"-512")) + FILE,
    "a time beyond all numbers": pax(("mtime", b"1e999999999")) + FILE,
    "a time that is no number": pax(("mtime", b"nan")) + FILE,
    "a map of holes that is not one": pax(("GNU.sparse.map", b"a,b"), ("GNU.sparse.size", b"10")) + FILE,
    "a map of holes without an end": bytes(SPARSE) + (bytes(504) + b"\1" + bytes(7)) * 3000,
    "an old map of holes": pax(("GNU.sparse.size", b"10"), ("GNU.sparse.numblocks", b"1")) + FILE,
    "a record longer than its header": extended(b"99 a=b\n") + FILE,
    "a record without an end": extended(b"6 a=b") + FILE,
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("case", HOSTILE)
def test_a_layer_with_hostile_headers_is_refused(tmp_path: Path, case: str) -> None:
    with pytest.raises(LayerError):
        apply(io.BytesIO(HOSTILE[case] + END), str(tmp_path))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("case", [name for name in HOSTILE if "time" not in name])
def test_an_archive_with_hostile_headers_is_refused(tmp_path: Path, case: str) -> None:
    """A negative size sent the reader back to the same header for ever."""
    file = tmp_path / "archive"
    file.write_bytes(HOSTILE[case] + END)
    with pytest.raises(ImageError), members_of(file, ContentStore(tmp_path / "content").spool):
        pass


def bomb(front: bytes, megabytes: int) -> bytes:
    """A gzip of ``front`` and as many zeros, a thousandth of their size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    return packer.compress(front) + b"".join(packer.compress(zeros) for _ in range(megabytes)) + packer.flush()


UNPACK = """
import io, resource, sys
from pycontainerd.diff.apply import apply
from pycontainerd.errors import LayerError
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
try:
    apply(io.BytesIO(sys.stdin.buffer.read()), sys.argv[1])
except LayerError as error:
    print(error)
"""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME], ids=["x", "g", "L"])
def test_a_header_is_not_read_into_memory_whatever_its_size(tmp_path: Path, kind: bytes) -> None:
    """300 KB that unpack to a header of 300 MB, in a process that has room for less."""
    room = 256 << 20
    told = subprocess.run(
        [sys.executable, "-c", UNPACK, str(tmp_path), str(room)],
        input=bomb(header(kind, 300 << 20), 300),
        capture_output=True,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, b"")
    assert f"larger than {MOST_OF_A_HEADER} bytes".encode() in told.stdout


def test_what_global_headers_say_is_passed_over(tmp_path: Path) -> None:
    """As docker does; kept, they would grow from header to header, and rename every entry."""
    said = pax(("path", b"elsewhere"), ("comment", b"x")).replace(b"header", b"global", 1)
    made = bytearray(said[:512])
    made[156:157] = tarfile.XGLTYPE
    made[148:156] = b"%06o\0 " % (sum(made[:148]) + sum(made[156:]) + 8 * 32)
    apply(io.BytesIO(bytes(made) + said[512:] + FILE + END), str(tmp_path))
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_an_archive_of_too_many_files_is_refused(tmp_path: Path) -> None:
    """Each costs a kilobyte of memory, and packed next to nothing."""
    file = tmp_path / "archive"
    file.write_bytes(gzip.compress(FILE * 70_000 + END, 1))
    content = ContentStore(tmp_path / "content")
    with pytest.raises(ImageError, match="more than 65536 files"), members_of(file, content.spool):
        pass
