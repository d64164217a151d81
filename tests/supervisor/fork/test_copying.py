"""A copy of a tree is the tree."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pycontainerd.snapshots import copying


@pytest.fixture(params=["ext4", "xfs", "btrfs"])
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """On a file system of the kind, in a file: the first copies bytes, the others refer to the same blocks."""
    image, point = tmp_path / "image", tmp_path / "mounted"
    point.mkdir()
    with image.open("wb") as file:
        file.truncate(512 << 20)
    subprocess.run([f"mkfs.{request.param}", "-q", str(image)], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["mount", "-o", "loop", str(image), str(point)], check=True)
    yield point
    subprocess.run(["umount", str(point)], check=True)


def fill(top: Path) -> None:
    top.mkdir()
    (top / "plain").write_bytes(b"text" * 1000)
    (top / "empty").touch()
    with (top / "sparse").open("wb") as file:
        file.seek(8 << 20)
        file.write(b"end")
        file.truncate(16 << 20)
    os.link(top / "plain", top / "other name")
    (top / "link").symlink_to("nowhere/at all")
    (top / "deep/er").mkdir(parents=True)
    os.link(top / "plain", top / "deep/er/third name")
    os.mknod(top / "whiteout", stat.S_IFCHR, os.makedev(0, 0))
    os.mkfifo(top / "fifo", 0o640)
    os.chown(top / "link", 1, 2, follow_symlinks=False)
    os.chown(top / "empty", 12, 34)
    (top / "empty").chmod(0o4711)
    (top / "deep").chmod(0o1777)
    os.setxattr(top / "deep", "trusted.overlay.opaque", b"y")
    os.setxattr(top / "plain", "user.note", b"\0\1")
    os.utime(top / "deep", ns=(1_000_000_001, 2_000_000_003))
    os.utime(top / "link", ns=(5, 7), follow_symlinks=False)


def told(top: Path) -> dict[str, object]:
    """All that is to be seen of a tree."""
    names: dict[int, str] = {}
    found: dict[str, object] = {}
    for path in [top, *sorted(top.rglob("*"))]:
        status = path.lstat()
        name = str(path.relative_to(top))
        kind = stat.S_IFMT(status.st_mode)
        content = path.read_bytes() if kind == stat.S_IFREG else os.readlink(path) if kind == stat.S_IFLNK else ""
        found[name] = (
            *(oct(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns, status.st_rdev, content),
            *(status.st_nlink, names.setdefault(status.st_ino, name)),
            {
                each: os.getxattr(path, each, follow_symlinks=False)
                for each in os.listxattr(path, follow_symlinks=False)
            },
        )
    return found


def test_everything_is_there(directory: Path) -> None:
    fill(directory / "source")
    before = told(directory / "source")
    copying.copy(str(directory / "source"), str(directory / "copy"))
    assert told(directory / "copy") == before
    assert told(directory / "source") == before
    assert (directory / "copy/sparse").stat().st_blocks * 512 < 1 << 20


def test_each_goes_its_own_way(directory: Path) -> None:
    fill(directory / "source")
    copying.copy(str(directory / "source"), str(directory / "copy"))
    with (directory / "copy/plain").open("r+b") as file:
        file.write(b"CHANGED")
    assert (directory / "source/plain").read_bytes() == b"text" * 1000
    assert (directory / "copy/deep/er/third name").read_bytes().startswith(b"CHANGEDt")


def test_what_is_there_is_not_written_over(directory: Path) -> None:
    fill(directory / "source")
    (directory / "copy").mkdir()
    with pytest.raises(FileExistsError):
        copying.copy(str(directory / "source"), str(directory / "copy"))
