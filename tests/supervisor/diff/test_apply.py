"""Layers become directories: everything a tar can say, and nothing outside of the directory whatever it says."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pycontainerd.diff.apply import apply
from pycontainerd.errors import LayerError
from tests.supervisor.archives import (
    COMPRESSIONS,
    Compress,
    directory,
    entry,
    hard_link,
    layer,
    plain,
    sha,
    symlink,
    zstd,
)

RICH = layer(
    directory("./"),
    directory("etc", 0o750, uid=1, gid=2, mtime=1_000_000_000),
    ("etc/file", b"content"),
    (entry("bin/su", mode=0o4755, uid=0, gid=5), b"#!"),
    hard_link("bin/su2", "bin/su"),
    symlink("lib", "/usr/lib"),
    entry("dev/null", tarfile.CHRTYPE, mode=0o666, devmajor=1, devminor=3),
    entry("run/fifo", tarfile.FIFOTYPE, mode=0o600),
    (entry("caps", pax_headers={"SCHILY.xattr.user.colour": "blue", "mtime": "1234567890.123456789"}), b""),
)


def unpack(root: Path, data: bytes, below: tuple[Path, ...] = ()) -> str:
    root.mkdir(exist_ok=True)
    return apply(io.BytesIO(data), str(root), tuple(map(str, below))).diff_id


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_everything_a_layer_can_hold(tmp_path: Path, compression: str) -> None:
    root = tmp_path / "root"
    assert unpack(root, COMPRESSIONS[compression](RICH)) == sha(RICH)
    etc = (root / "etc").stat()
    assert (stat.S_IMODE(etc.st_mode), etc.st_uid, etc.st_gid, etc.st_mtime) == (0o750, 1, 2, 1_000_000_000)
    assert (root / "etc/file").read_bytes() == b"content"
    su = (root / "bin/su").stat()
    assert (stat.S_IMODE(su.st_mode), su.st_gid, su.st_nlink) == (0o4755, 5, 2)
    assert (root / "lib").readlink() == Path("/usr/lib")
    null = (root / "dev/null").stat()
    assert (stat.S_ISCHR(null.st_mode), null.st_rdev) == (True, os.makedev(1, 3))
    assert stat.S_ISFIFO((root / "run/fifo").stat().st_mode)
    assert os.getxattr(root / "caps", "user.colour") == b"blue"
    assert (root / "caps").stat().st_mtime_ns == 1234567890123456789


def is_whiteout(path: Path) -> bool:
    found = path.lstat()
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def is_opaque(path: Path) -> bool:
    try:
        return os.getxattr(path, "trusted.overlay.opaque") == b"y"
    except OSError:
        return False


def test_whiteouts_become_overlayfs_marks(tmp_path: Path) -> None:
    root = tmp_path / "root"
    marks = [entry(name) for name in ("d/.wh.gone", "o/.wh..wh..opq", ".wh..wh.aufs")]
    unpack(root, layer(directory("o"), *marks, ("o/kept", b"")))
    assert is_whiteout(root / "d/gone")
    assert is_opaque(root / "o")
    assert sorted(os.listdir(root)) == ["d", "o"]
    assert os.listdir(root / "o") == ["kept"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_whiteout_hides_only_what_is_underneath(tmp_path: Path, order: int) -> None:
    """layer.md: whiteouts apply to lower layers, wherever in the tar they stand."""
    file = [(entry(".wh.f"), b""), (entry("f"), b"new")]
    folder = [(entry(".wh.d"), b""), (directory("d"), b"")]
    root = tmp_path / "root"
    unpack(root, layer(*file[::order], *folder[::order]))
    assert (root / "f").read_bytes() == b"new"
    assert is_opaque(root / "d")


def test_directories_that_are_not_in_the_layer_are_like_those_underneath(tmp_path: Path) -> None:
    lowest, lower, root = tmp_path / "lowest", tmp_path / "lower", tmp_path / "root"
    unpack(lowest, layer(directory("tmp", 0o1777), directory("home", 0o750), directory("home/me", 0o700, uid=5, gid=6)))
    unpack(lower, layer(directory("home", 0o711)))
    unpack(root, layer(("tmp/x", b""), ("home/me/y", b""), ("new/z", b"")), (lower, lowest))
    assert stat.S_IMODE((root / "tmp").stat().st_mode) == 0o1777
    assert stat.S_IMODE((root / "home").stat().st_mode) == 0o711
    me = (root / "home/me").stat()
    assert (stat.S_IMODE(me.st_mode), me.st_uid, me.st_gid) == (0o700, 5, 6)
    assert stat.S_IMODE((root / "new").stat().st_mode) == 0o755


def test_later_entries_replace_earlier_ones_of_any_kind(tmp_path: Path) -> None:
    root = tmp_path / "root"
    unpack(root, layer(("a/b/c", b"1"), ("a", b"file"), directory("a"), ("a/c", b"2"), symlink("a/c", "x"), ("s", b"")))
    assert (root / "a/c").is_symlink()
    assert not (root / "a/b").exists()


@pytest.mark.parametrize(
    ("entries", "name"),
    [
        ([("../out", b"x")], "../out"),
        ([("a/../../out", b"x")], "a/../../out"),
        ([symlink("s", "/"), ("s/out", b"x")], "s/out"),
        ([symlink("s", "../.."), ("s/out", b"x")], "s/out"),
        ([symlink("a", "b"), symlink("b", ".."), ("a/out", b"x")], "a/out"),
        ([hard_link("h", "../../secret")], "h"),
        ([symlink("s", "/etc"), hard_link("h", "s/passwd")], "h"),
        ([symlink("s", "/"), ("s/.wh.out", b"")], "s/.wh.out"),
        ([symlink("s", "/"), ("s/.wh..wh..opq", b"")], "s/.wh..wh..opq"),
        ([("f", b""), ("f/x", b"")], "f/x"),
        ([(".wh...", b"")], ".wh..."),
        ([(".wh.", b"")], ".wh."),
        ([("x" * 256, b"")], "x" * 256),
        ([entry("odd", b"Z")], "odd"),
        ([entry("owner", uid=2**40)], "owner"),
        ([entry("when", pax_headers={"mtime": "1e400"})], "when"),
        ([entry("mark", pax_headers={"SCHILY.xattr.trusted.overlay.redirect": "/etc"})], "mark"),
    ],
)
def test_what_would_leave_is_refused_by_name(tmp_path: Path, entries: list[Any], name: str) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    before = sorted(os.listdir(tmp_path))
    root = tmp_path / "x" / "root"
    root.parent.mkdir()
    with pytest.raises(LayerError) as refused:
        unpack(root, layer(*entries))
    assert refused.value.entry == name
    assert sorted(os.listdir(tmp_path)) == sorted([*before, "x"])
    assert sorted(os.listdir(tmp_path / "x")) == ["root"]
    assert secret.stat().st_nlink == 1
    assert not Path("/out").exists()


def test_an_absolute_name_is_below_the_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    unpack(root, layer(("/absolute", b"x")))
    assert (root / "absolute").read_bytes() == b"x"


def test_a_tree_deeper_than_the_stack_is_replaced(tmp_path: Path) -> None:
    root = tmp_path / "root"
    deep = "/".join("d" * 1500)
    unpack(root, layer((f"{deep}/f", b""), ("d", b"flat")))
    assert (root / "d").read_bytes() == b"flat"


@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.8])
def test_a_truncated_layer_is_refused(tmp_path: Path, compress: Compress, kept: float) -> None:
    whole = compress(layer(*((f"f{n}", os.urandom(700)) for n in range(40))))
    with pytest.raises(LayerError, match="truncated"):
        unpack(tmp_path / "root", whole[: int(len(whole) * kept)])


def test_an_archive_cut_between_two_entries_is_refused(tmp_path: Path) -> None:
    whole = layer(("a", b"1"), ("b", b"2"))
    with pytest.raises(LayerError, match="truncated"):
        unpack(tmp_path / "root", whole[:1024])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_damage_is_a_layer_error_or_does_no_harm(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever a bit says: no other exception, and nothing outside."""
    compress = data.draw(st.sampled_from([plain, gzip.compress, zstd]))
    whole = bytearray(compress(RICH))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, min(len(whole), 4096) - 1))] = data.draw(st.integers(0, 255))
    home = tmp_path / "home"
    root = home / os.urandom(6).hex()
    root.mkdir(parents=True)
    with contextlib.suppress(LayerError):
        unpack(root, bytes(whole))
    assert os.listdir(tmp_path) == ["home"]
