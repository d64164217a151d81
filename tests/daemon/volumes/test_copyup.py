"""What an image has becomes the first content of a volume, with all that it has."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pydockerd.volumes.copyup import NotADirectory, fill


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A root with a directory that has something of everything."""
    root = tmp_path / "image"
    content = root / "srv/content"
    content.mkdir(parents=True)
    (content / "file").write_text("text")
    os.chown(content / "file", 7, 8)
    os.chmod(content / "file", 0o4750)
    os.setxattr(content / "file", "user.note", b"kept")
    os.link(content / "file", content / "other name")
    os.symlink("file", content / "link")
    os.mkfifo(content / "pipe", 0o622)
    (content / "deep/er").mkdir(parents=True)
    os.chown(content, 1000, 1001)
    os.chmod(content, 0o2771)
    (root / "srv/shown").symlink_to("/srv/content")
    (root / "srv/away").symlink_to("/../../etc")
    (root / "plain").write_text("a file")
    return root


@pytest.fixture
def root(image: Path) -> Iterator[int]:
    descriptor = os.open(image, os.O_PATH | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    made = tmp_path / "volume/_data"
    made.mkdir(parents=True)
    return made


def check(data: Path) -> None:
    found = (data / "file").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode), found.st_nlink) == (7, 8, 0o4750, 2)
    assert os.getxattr(data / "file", "user.note") == b"kept"
    assert (data / "other name").samefile(data / "file")
    assert os.readlink(data / "link") == "file"
    assert stat.S_ISFIFO((data / "pipe").stat().st_mode)
    assert (data / "deep/er").is_dir()
    home = data.stat()
    assert (home.st_uid, home.st_gid, stat.S_IMODE(home.st_mode)) == (1000, 1001, 0o2771)
    assert sorted(os.listdir(data)) == ["deep", "file", "link", "other name", "pipe"]


@pytest.mark.parametrize("mounted", [False, True])
def test_everything_is_copied(root: int, data: Path, mounted: bool) -> None:
    before = data.stat().st_ino
    assert fill(root, "/srv/content", data, mounted=mounted)
    check(data)
    assert (data.stat().st_ino == before) == mounted
    assert os.listdir(data.parent) == ["_data"]


def test_links_are_the_image_s(root: int, data: Path) -> None:
    assert fill(root, "/srv/shown", data, mounted=False)
    check(data)


def test_no_link_leads_out_of_the_image(root: int, data: Path) -> None:
    assert not fill(root, "/srv/away", data, mounted=False)
    assert os.listdir(data) == []


def test_nothing_is_copied_over_data(root: int, data: Path) -> None:
    (data / "own").write_text("kept")
    assert not fill(root, "/srv/content", data, mounted=False)
    assert os.listdir(data) == ["own"]


def test_nothing_there(root: int, data: Path) -> None:
    assert not fill(root, "/nowhere", data, mounted=False)
    assert os.listdir(data.parent) == ["_data"]


def test_a_file_is_no_content(root: int, data: Path) -> None:
    with pytest.raises(NotADirectory):
        fill(root, "/plain", data, mounted=False)


def test_what_a_killed_copy_has_left_is_no_content(root: int, data: Path) -> None:
    staged = data.parent / ".pydockerd-staged"
    staged.mkdir()
    (staged / "half").write_text("x")
    assert fill(root, "/srv/content", data, mounted=False)
    check(data)


def test_from_one_kind_of_file_system_to_another(image: Path, data: Path) -> None:
    """copy_file_range(2) refuses that, as it does from an overlay."""
    with open(image / "srv/content/large", "wb") as file:
        file.write(b"begin")
        file.truncate(3 << 20)
        file.seek(0, os.SEEK_END)
        file.write(b"end")
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", data], check=True)
    try:
        descriptor = os.open(image, os.O_PATH | os.O_DIRECTORY)
        try:
            assert fill(descriptor, "/srv/content", data, mounted=True)
        finally:
            os.close(descriptor)
        copied = (data / "large").read_bytes()
        assert (copied[:5], copied[-3:], len(copied)) == (b"begin", b"end", (3 << 20) + 3)
    finally:
        subprocess.run(["umount", data], check=True)
