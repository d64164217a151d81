"""Tars as others write them, in every form of every program that is there: what comes of them is what went in."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import tarfile
from pathlib import Path

import pytest

from pycontainerd.diff.apply import apply
from pycontainerd.errors import LayerError
from tests.supervisor.diff.trees import told

LONG = "n" * 120


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Long names and targets, a large owner, holes, links; times in whole seconds, as the older forms have them."""
    top = tmp_path / "tree"
    (top / "deep" / LONG).mkdir(parents=True)
    (top / "deep" / LONG / "file").write_bytes(b"content")
    os.link(top / "deep" / LONG / "file", top / "hard")
    (top / "symlink").symlink_to("t" * 130)
    (top / "empty").touch()
    (top / "ünïcode").write_bytes(b"x")
    with (top / "holes").open("wb") as file:
        for offset in range(0, 40 << 16, 1 << 17):  # more segments than a header has room for
            file.seek(offset)
            file.write(b"d" * 4096)
        file.truncate(100 << 16)
    (top / "set-id").touch()
    (top / "set-id").chmod(0o6755)
    os.mkfifo(top / "fifo")
    os.mknod(top / "device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    os.chown(top / "empty", 3_000_000, 3_000_001)
    for path in [*top.rglob("*"), top]:
        os.utime(path, (1_234_567_890, 1_234_567_890), follow_symlinks=False)
    return top


def unpacked(archive: Path, target: Path) -> dict[bytes, tuple[object, ...]]:
    target.mkdir()
    with archive.open("rb") as file:
        apply(file, str(target))
    return told(target)


@pytest.mark.parametrize(
    "flags",
    [
        ("--format=gnu",),
        ("--format=oldgnu",),
        ("--format=posix",),
        ("--format=gnu", "--sparse"),
        ("--format=oldgnu", "--sparse"),
        ("--format=posix", "--sparse", "--sparse-version=0.0"),
        ("--format=posix", "--sparse", "--sparse-version=0.1"),
        ("--format=posix", "--sparse", "--sparse-version=1.0"),
        ("--format=posix", "--blocking-factor=1"),
        ("--format=posix", "--absolute-names", "--transform=flags=r;s,^,/,"),
    ],
    ids=" ".join,
)
def test_gnu_tar(tree: Path, tmp_path: Path, flags: tuple[str, ...]) -> None:
    archive = tmp_path / "made.tar"
    subprocess.run(["tar", *flags, "--numeric-owner", "-C", tree, "-cf", archive, "."], check=True)
    found, expected = unpacked(archive, tmp_path / "to"), told(tree)
    if "--sparse" not in flags:
        found, expected = ({path: without_holes(what) for path, what in each.items()} for each in (found, expected))
    assert found == expected


def without_holes(what: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(item[0] if isinstance(item, tuple) else item for item in what)


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_python(tree: Path, tmp_path: Path, form: int) -> None:
    with tarfile.open(tmp_path / "made.tar", "w", format=form) as archive:
        archive.add(tree, ".")
    found, expected = unpacked(tmp_path / "made.tar", tmp_path / "to"), told(tree)
    assert {path: without_holes(what) for path, what in found.items()} == {
        path: without_holes(what) for path, what in expected.items()
    }


@pytest.mark.parametrize("form", ["v7", "ustar"])
def test_forms_without_room(tmp_path: Path, form: str) -> None:
    """They have no long names, large owners or devices (v7); ustar splits names into two fields."""
    top = tmp_path / "tree"
    (top / ("a" * 60) / ("b" * 60)).mkdir(parents=True)
    name = "c" * 30 if form == "ustar" else "c"
    deep = top / ("a" * 60) / ("b" * 60) if form == "ustar" else top
    (deep / name).write_bytes(b"x")
    if form == "v7":
        (top / ("a" * 60) / ("b" * 60)).rmdir()
    for path in [*top.rglob("*"), top]:
        os.utime(path, (1_234_567_890, 1_234_567_890))
    subprocess.run(["tar", f"--format={form}", "-C", top, "-cf", tmp_path / "made.tar", "."], check=True)
    assert unpacked(tmp_path / "made.tar", tmp_path / "to") == told(top)


def test_busybox(tree: Path, tmp_path: Path) -> None:
    (tree / "empty").unlink()  # it has no form for large owners
    os.utime(tree, (1_234_567_890, 1_234_567_890))
    subprocess.run(["busybox", "tar", "-C", tree, "-cf", tmp_path / "made.tar", "."], check=True)
    found, expected = unpacked(tmp_path / "made.tar", tmp_path / "to"), told(tree)
    assert {path: without_holes(what) for path, what in found.items()} == {
        path: without_holes(what) for path, what in expected.items()
    }


def test_default_acls_are_not_inherited_by_what_the_layer_says_otherwise(tmp_path: Path) -> None:
    """The default ACL of a directory comes before its files in the tar; docker gives it to them."""
    acl = struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", *entry)
        for entry in [(1, 7, 2**32 - 1), (2, 7, 1000), (4, 0, 2**32 - 1), (16, 7, 2**32 - 1), (32, 0, 2**32 - 1)]
    )
    with tarfile.open(tmp_path / "made.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        directory = tarfile.TarInfo("d")
        directory.type, directory.mode = tarfile.DIRTYPE, 0o755
        directory.pax_headers = {"SCHILY.xattr.system.posix_acl_default": acl.decode("utf-8", "surrogateescape")}
        archive.addfile(directory)
        for name in ("d/f", "d/sub/g"):
            archive.addfile(tarfile.TarInfo(name))
    found = unpacked(tmp_path / "made.tar", tmp_path / "to")
    assert found[b"d"][4] == {"system.posix_acl_default": acl}
    assert found[b"d/f"][4] == {}
    assert found[b"d/sub"][4] == {}
    assert stat.S_IMODE(int(str(found[b"d/f"][0]))) == 0o644


def test_the_umask_of_the_program_has_no_part_in_it(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "made.tar", "w") as archive:
        for name, kind in (("f", tarfile.REGTYPE), ("d", tarfile.DIRTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.mode = kind, 0o777
            archive.addfile(member)
    before = os.umask(0o077)
    try:
        found = unpacked(tmp_path / "made.tar", tmp_path / "to")
    finally:
        assert os.umask(before) == 0o077
    assert [stat.S_IMODE(int(str(what[0]))) for what in found.values()] == [0o777, 0o777]


def test_a_set_group_id_directory_does_not_give_its_group(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "made.tar", "w") as archive:
        for name, kind, mode in (
            ("d", tarfile.DIRTYPE, 0o2755),
            ("d/f", tarfile.REGTYPE, 0o644),
            ("d/e", tarfile.DIRTYPE, 0o755),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.mode = kind, mode
            member.gid = 5 if name == "d" else 0
            archive.addfile(member)
    found = unpacked(tmp_path / "made.tar", tmp_path / "to")
    assert [what[2] for what in found.values()] == [5, 0, 0]
    assert stat.S_IMODE(int(str(found[b"d/e"][0]))) == 0o755


def test_a_tar_without_an_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "made.tar").write_bytes(b"")
    with pytest.raises(LayerError, match="truncated"):
        unpacked(tmp_path / "made.tar", tmp_path / "to")
