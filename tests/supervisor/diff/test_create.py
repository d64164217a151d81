"""apply(create(x)) is x, for all that a file system can hold and a container can do to it."""

from __future__ import annotations

import io
import os
import shutil
import socket
import stat
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pyrunc
from pycontainerd import tree
from pycontainerd.diff.apply import apply
from pycontainerd.diff.change import Change, ChangeKind, Difference
from pycontainerd.diff.compare import changes
from pycontainerd.diff.create import create
from pycontainerd.errors import LayerError
from pycontainerd.tasks.detached import detached
from tests.supervisor.diff.trees import NAMES, PATHS, TREES, Node, build, is_directory, told

property_test = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@contextmanager
def directories(parent: Path, *names: str) -> Iterator[list[str]]:
    """New ones for each example."""
    top = parent / os.urandom(6).hex()
    try:
        for name in names:
            (top / name).mkdir(parents=True)
        yield [str(top / name) for name in names]
    finally:
        tree.remove(top)


def layer_of(difference: Difference) -> bytes:
    return b"".join(create(difference))


@property_test
@given(made=TREES)
def test_a_tree_comes_back(tmp_path: Path, made: Sequence[Node]) -> None:
    with directories(tmp_path, "from", "to") as (source, target):
        build(source, made)
        expected = told(source)
        apply(io.BytesIO(layer_of(Difference(upper=source))), target)
        assert told(target) == expected
        assert changes(Difference(upper=target, lowers=(source,), marked=False)) == []


@property_test
@given(before=TREES, after=TREES)
def test_two_trees(tmp_path: Path, before: Sequence[Node], after: Sequence[Node]) -> None:
    """The layer of the difference, unpacked in place over one tree, makes the other one of it; over a mark-bearing layer it merges to it."""
    with directories(tmp_path, "lower", "upper", "place", "marks", "work") as (lower, upper, place, marks, _):
        build(lower, before)
        build(upper, after)
        layer = layer_of(Difference(upper=upper, lowers=(lower,), marked=False))
        expected = told(upper)
        apply(io.BytesIO(layer_of(Difference(upper=lower))), place)
        apply(io.BytesIO(layer), place, in_place=True)
        assert told(place) == expected
        apply(io.BytesIO(layer), marks, (lower,))
        with merged(marks, lower) as view:
            assert without_links(told(view, holes=False)) == without_links(told(upper, holes=False))


@contextmanager
def merged(*layers: str, work: str | None = None) -> Iterator[str]:
    """The path of an overlay, highest layer first; with ``work`` the highest can be written to."""
    lowers = layers[1:] if work else (*layers, *layers[:0])
    options = [f"lowerdir={':'.join(lowers)}"]
    if work:
        options += [f"upperdir={layers[0]}", f"workdir={work}"]
    with detached((pyrunc.RootMount("overlay", "overlay", tuple(options)),), read_only=not work) as fd:
        yield f"/proc/self/fd/{fd}"


def without_links(found: dict[bytes, tuple[object, ...]]) -> dict[bytes, tuple[object, ...]]:
    """Overlayfs gives names of one file numbers of their own once one of them was changed."""
    return {path: what[:6] for path, what in found.items()}


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("build"), TREES),
        st.tuples(st.just("remove"), PATHS | NAMES),
        st.tuples(st.just("append"), PATHS | NAMES),
        st.tuples(st.just("chmod"), PATHS | NAMES),
        st.tuples(st.just("again"), PATHS | NAMES),
        st.tuples(st.just("rename"), st.tuples(PATHS | NAMES, PATHS | NAMES)),
        st.tuples(st.just("link"), st.tuples(PATHS | NAMES, PATHS | NAMES)),
    ),
    max_size=8,
)


def perform(root: str, operation: str, what: object) -> None:
    """What a container does to its files; what is not possible is left."""
    top = os.fsencode(root) + b"/"
    if operation == "build":
        build(root, what, replace=True)  # type: ignore[arg-type]
        return
    paths = [top + path for path in (what if isinstance(what, tuple) else (what,))]
    try:
        if operation in {"remove", "again"} and is_directory(paths[0]):
            shutil.rmtree(paths[0])
        elif operation in {"remove", "again"}:
            os.unlink(paths[0])
        elif operation == "append" and stat.S_ISREG(os.lstat(paths[0]).st_mode):
            with open(paths[0], "ab") as file:
                file.write(b"more")
        elif operation == "chmod" and not stat.S_ISLNK(os.lstat(paths[0]).st_mode):
            os.chmod(paths[0], 0o741)
        elif operation == "rename":
            os.rename(*paths)
        elif operation == "link":
            os.link(*paths, follow_symlinks=False)
        if operation == "again":
            os.mkdir(paths[0])
    except OSError:
        pass


@property_test
@given(lowest=TREES, lower=TREES, operations=OPERATIONS)
def test_what_a_container_has_done(
    tmp_path: Path, lowest: Sequence[Node], lower: Sequence[Node], operations: Sequence[tuple[str, object]]
) -> None:
    """The layer of an overlay's upper directory, unpacked elsewhere, shows through the same lower ones what the container saw."""
    with directories(tmp_path, "lowest", "lower", "upper", "work", "fresh") as (bottom, middle, upper, work, fresh):
        build(bottom, lowest)
        layer = b""
        with merged(middle, bottom, work=work) as view:
            build(view, lower, replace=True)
        shutil.rmtree(f"{work}/work", ignore_errors=True)
        with merged(upper, middle, bottom, work=work) as view:
            for operation, what in operations:
                perform(view, operation, what)
            expected = told(view, holes=False)
            layer = layer_of(Difference(upper=upper, lowers=(middle, bottom)))
        apply(io.BytesIO(layer), fresh, (middle, bottom))
        with merged(fresh, middle, bottom) as view:
            assert without_links(told(view, holes=False)) == without_links(expected)


def test_changes_as_docker_tells_them(tmp_path: Path) -> None:
    """A changed, a new and a removed file, a directory made again, and the directories above them."""
    with directories(tmp_path, "lower", "upper", "work") as (lower, upper, work):
        for name in ("etc/a", "etc/b", "same/deep/x", "again/old", "again/kept"):
            Path(lower, name).parent.mkdir(parents=True, exist_ok=True)
            Path(lower, name).write_text("1")
        with merged(upper, lower, work=work) as view:
            Path(view, "etc/a").write_text("2")
            Path(view, "etc/b").unlink()
            Path(view, "same/deep/y").write_text("3")
            shutil.rmtree(f"{view}/again")
            Path(view, "again").mkdir()
            Path(view, "again/kept").write_text("4")
        assert changes(Difference(upper=upper, lowers=(lower,))) == [
            Change("/again", ChangeKind.MODIFIED),
            Change("/again/kept", ChangeKind.ADDED),
            Change("/again/old", ChangeKind.DELETED),
            Change("/etc", ChangeKind.MODIFIED),
            Change("/etc/a", ChangeKind.MODIFIED),
            Change("/etc/b", ChangeKind.DELETED),
            Change("/same", ChangeKind.MODIFIED),
            Change("/same/deep", ChangeKind.MODIFIED),
            Change("/same/deep/y", ChangeKind.ADDED),
        ]


def test_what_no_layer_can_hold(tmp_path: Path) -> None:
    (tmp_path / "ok").write_text("x")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    with tarfile.open(fileobj=io.BytesIO(layer_of(Difference(upper=str(tmp_path))))) as archive:
        assert archive.getnames() == [".", "ok"]
    os.setxattr(tmp_path / "ok", "user.a=b", b"")
    with pytest.raises(LayerError, match="remove it"):
        layer_of(Difference(upper=str(tmp_path)))
    os.removexattr(tmp_path / "ok", "user.a=b")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/.wh.ok").write_text("")
    with pytest.raises(LayerError, match="rename it"):
        layer_of(Difference(upper=str(tmp_path)))


def test_hidden_paths_are_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "var/lib/store").mkdir(parents=True)
    (tmp_path / "var/lib/other").mkdir()
    difference = Difference(upper=str(tmp_path), hidden=frozenset([b"var/lib/store"]))
    assert [change.path for change in changes(difference)] == ["/var", "/var/lib", "/var/lib/other"]


@pytest.mark.parametrize("reader", ["python", "gnu"])
def test_others_read_it(tmp_path: Path, reader: str) -> None:
    """Long names, holes, large owners and odd times, as GNU tar and Python's tarfile see them."""
    source, target = tmp_path / "from", tmp_path / "to"
    source.mkdir()
    target.mkdir()
    (source / ("n" * 200)).write_bytes(b"x")
    with (source / "holes").open("wb") as file:
        file.seek(1 << 20)
        file.write(b"middle")
        file.truncate(3 << 20)
    os.chown(source / "holes", 3_000_000, 4_000_000)
    os.symlink("t" * 150, source / "link")
    os.utime(source / "holes", ns=(1, 1234567890_123456789))
    layer = tmp_path / "layer.tar"
    layer.write_bytes(layer_of(Difference(upper=str(source))))
    if reader == "gnu":
        subprocess.run(["tar", "-xpf", layer, "-C", target, "--numeric-owner"], check=True)
        assert (target / "holes").stat().st_mtime_ns == 1234567890_123456789
        assert (target / "holes").stat().st_blocks < 100
    else:
        with tarfile.open(layer) as archive:
            archive.extraction_filter = lambda member, _: member  # Debian 12's Python knows no argument for it
            archive.extractall(target)
    assert (target / ("n" * 200)).read_bytes() == b"x"
    assert (target / "holes").read_bytes() == (source / "holes").read_bytes()
    assert (target / "holes").stat().st_uid == 3_000_000
    assert os.readlink(target / "link") == "t" * 150


def test_a_tree_deeper_than_the_stack_and_the_open_files(tmp_path: Path) -> None:
    with directories(tmp_path, "from", "to") as (source, target):
        current = os.open(source, os.O_RDONLY)
        depth = 2 * sys.getrecursionlimit()
        for _ in range(depth):
            os.mkdir("d", dir_fd=current)
            following = os.open("d", os.O_RDONLY, dir_fd=current)
            os.close(current)
            current = following
        os.close(current)
        layer = layer_of(Difference(upper=source))
        apply(io.BytesIO(layer), target)
        found = changes(Difference(upper=target))
        assert max(change.path.count("/") for change in found) == depth


def test_a_file_that_becomes_shorter_while_it_is_read(tmp_path: Path) -> None:
    """What runs on is taken, too (``commit`` without a pause): its size is what was told first, and no call fails."""
    with directories(tmp_path, "from") as (source,):
        path = Path(source, "file")
        path.write_bytes(bytes(1 << 16))
        ended = Event()

        def shorten() -> None:
            with path.open("r+b") as file:
                while not ended.is_set():
                    file.truncate(0)
                    file.truncate(1 << 16)
                    os.pwrite(file.fileno(), b"x", 0)

        with ThreadPoolExecutor(1) as pool:
            busy = pool.submit(shorten)
            try:
                layers = [layer_of(Difference(upper=source)) for _ in range(500)]
            finally:
                ended.set()
            busy.result()
    for layer in layers:
        with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
            assert [each.size for each in archive if each.isfile()] in ([0], [1 << 16])
