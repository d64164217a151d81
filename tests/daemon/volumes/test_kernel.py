"""Mounts as the kernel has them: calls of the local driver, and parts of volumes that hostile links cannot redirect."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pydockerd.volumes import kernel
from pydockerd.volumes.options import mount_call


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "target dir"
    made.mkdir()
    yield made
    while kernel.is_mounted(made):
        kernel.unmount(made)


def options_of(target: Path) -> set[str]:
    said = subprocess.run(["findmnt", "-no", "OPTIONS", target], capture_output=True, text=True, check=True).stdout
    return set(said.strip().split(","))


def test_tmpfs(target: Path) -> None:
    kernel.mount(mount_call({"type": "tmpfs", "device": "tmpfs", "o": "size=1m,mode=700,noexec"}), target)
    assert {"size=1024k", "mode=700", "noexec", "rw"} <= options_of(target)
    assert kernel.is_mounted(target)
    kernel.unmount(target)
    assert not kernel.is_mounted(target)
    kernel.unmount(target)


def test_a_bind_is_read_only_at_the_second_call(target: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    kernel.mount(mount_call({"type": "none", "device": str(tmp_path / "data"), "o": "bind,ro,nosuid,rprivate"}), target)
    assert {"ro", "nosuid"} <= options_of(target)
    with pytest.raises(OSError, match="Read-only"):
        (target / "file").touch()


def test_what_fails_is_not_left_mounted(target: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        kernel.mount(mount_call({"type": "none", "device": "/nowhere at all", "o": "bind"}), target)
    with pytest.raises(OSError, match="Invalid argument"):
        kernel.mount(mount_call({"type": "tmpfs", "device": "tmpfs", "o": "size=nonsense"}), target)
    assert not kernel.is_mounted(target)


def test_mounts_below(target: Path) -> None:
    kernel.mount(mount_call({"type": "tmpfs", "device": "tmpfs"}), target)
    (target / "inner").mkdir()
    kernel.mount(mount_call({"type": "tmpfs", "device": "tmpfs"}), target / "inner")
    try:
        assert kernel.mounts_below(target) == [str(target), str(target / "inner")]
        assert kernel.mounts_below(target.parent / "target") == []
    finally:
        kernel.unmount(target / "inner")


@pytest.mark.parametrize("name", ["dir", "dir/file", "to_dir", "to_dir/file", "absolute"])
def test_a_part_of_a_volume(tmp_path: Path, name: str) -> None:
    volume = tmp_path / "volume"
    (volume / "dir").mkdir(parents=True)
    (volume / "dir/file").write_text("inside")
    (volume / "to_dir").symlink_to("dir")
    (volume / "absolute").symlink_to("/dir")
    point = tmp_path / "points/1/0"
    kernel.bind_inside(volume, name, point)
    try:
        assert (point if point.is_file() else point / "file").read_text() == "inside"
        kernel.bind_inside(volume, name, point)  # a daemon that was killed may have left it
    finally:
        kernel.clear_point(point)
    assert not point.exists()
    kernel.clear_point(point)


@pytest.mark.parametrize("link", ["../../secret", "/../secret", "/proc/self/root/etc"])
def test_no_link_of_a_container_leads_out(tmp_path: Path, link: str) -> None:
    (tmp_path / "secret").mkdir()
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "evil").symlink_to(link)
    point = tmp_path / "point"
    with pytest.raises(FileNotFoundError):
        kernel.bind_inside(volume, "evil", point)
    assert not point.exists()


def test_what_was_found_is_what_is_mounted(tmp_path: Path) -> None:
    """However often a container exchanges a directory for a link to the host's: the descriptor stays what it is."""
    volume, secret = tmp_path / "volume", tmp_path / "secret"
    (volume / "part").mkdir(parents=True)
    secret.mkdir()
    (secret / "key").touch()
    found = os.open(volume / "part", os.O_PATH)
    (volume / "part").rename(volume / "away")
    (volume / "part").symlink_to(secret)
    point = tmp_path / "point"
    try:
        kernel.bind_descriptor(found, point)
        assert os.listdir(point) == []
    finally:
        os.close(found)
        kernel.clear_point(point)
