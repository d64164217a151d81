"""Layers that are much larger than they look: in bytes, in holes, in entries, in directories. Nothing grows but the directory, up to a limit."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pycontainerd import Supervisor, UnpackLimits
from pycontainerd.diff.apply import apply
from pycontainerd.diff.header import FILE
from pycontainerd.diff.tarwriter import END, entry, header
from pycontainerd.errors import LayerError
from tests.supervisor.archives import layer
from tests.supervisor.conftest import remove_all
from tests.supervisor.stores import Stored
from tests.support.run import RUN


def zeros(size: int) -> bytes:
    """A gzip of one file of zeros, a thousandth of its size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = bytes(1 << 20)
    front = packer.compress(header(entry(b"zeros", size=size)))
    return front + b"".join(packer.compress(piece) for _ in range(size >> 20)) + packer.compress(END) + packer.flush()


def sparse(length: int) -> bytes:
    """A file of nothing but a hole."""
    hole = entry(b"hole", FILE)
    hole.segments, hole.length = (), length
    return header(hole) + END


def test_a_bomb_of_zeros_is_refused_before_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="more than the 1000000 bytes") as refused:
        apply(io.BytesIO(zeros(200 << 20)), str(tmp_path), limits=UnpackLimits(size=1_000_000))
    assert refused.value.entry == "zeros"
    assert list(tmp_path.iterdir()) == []


def test_many_files_count_together(tmp_path: Path) -> None:
    made = layer(*((f"f{number}", bytes(1000)) for number in range(100)))
    with pytest.raises(LayerError) as refused:
        apply(io.BytesIO(made), str(tmp_path), limits=UnpackLimits(size=50_000))
    assert refused.value.entry == "f50"
    (tmp_path / "again").mkdir()
    apply(io.BytesIO(made), str(tmp_path / "again"), limits=UnpackLimits(size=100_000, entries=100))
    with pytest.raises(LayerError, match="more than the 99 entries"):
        apply(io.BytesIO(made), str(tmp_path / "again"), limits=UnpackLimits(entries=99))


def test_a_hole_counts_as_what_it_looks_like_and_takes_nothing(tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="more than"):
        apply(io.BytesIO(sparse(1 << 40)), str(tmp_path), limits=UnpackLimits(size=1 << 30))
    apply(io.BytesIO(sparse(1 << 40)), str(tmp_path))
    status = (tmp_path / "hole").stat()
    assert (status.st_size, status.st_blocks) == (1 << 40, 0)


@pytest.mark.parametrize("length", [1 << 62, (1 << 63) + 5, 10**19])
def test_a_hole_larger_than_any_file_is_the_layers_fault(tmp_path: Path, length: int) -> None:
    with pytest.raises(LayerError) as refused:
        apply(io.BytesIO(sparse(length)), str(tmp_path))
    assert refused.value.entry == "hole"


UNPACK = """
import resource, sys
from pycontainerd.diff.apply import apply
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open(sys.argv[1], "rb") as layer:
    apply(layer, sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def entries(kind: str, count: int) -> Iterator[bytes]:
    for number in range(count):
        if kind == "directories":
            yield header(entry(b"%d/" % number, tarfile.DIRTYPE, mode=0o755, mtime_ns=10**18 + 1))
        elif kind == "spread":
            yield header(entry(b"%d/%d" % (number % 1000, number)))
        else:
            yield header(entry(b"%d" % number, attributes={b"user.a": b"%d" % number}))


@pytest.mark.parametrize("kind", ["files", "directories", "spread"])
def test_memory_does_not_grow_with_the_entries(tmp_path: Path, kind: str) -> None:
    """Megabytes for 2,000 and for 20,000: what each entry cost would show, were it as little as 400 bytes."""
    used = []
    for count in (2_000, 20_000):
        file, target = tmp_path / f"{count}.tar", tmp_path / str(count)
        file.write_bytes(b"".join(entries(kind, count)) + END)
        target.mkdir()
        done = subprocess.run([sys.executable, "-c", UNPACK, file, target], capture_output=True, text=True, check=True)
        used.append(int(done.stdout))
    assert used[1] - used[0] < 7_000, used


async def test_a_supervisor_keeps_to_its_limits(tmp_short: Path) -> None:
    cgroup = f"/pycontainerd-{RUN.name[:12]}-{tmp_short.name}"
    limits = UnpackLimits(size=1 << 20)
    async with Supervisor(
        tmp_short / "root", tmp_short / "state", cgroup_parent=cgroup, unpack_limits=limits
    ) as supervisor:
        (tmp_short / "bomb").write_bytes(zeros(8 << 20))
        with pytest.raises(LayerError, match="more than"):
            await supervisor.images.import_rootfs(tmp_short / "bomb", "bomb")
        assert Stored.of(supervisor).empty
        await remove_all(supervisor)
