"""Contexts, and what COPY puts where: hostile archives, links, wildcards and the digest of what went in."""

from __future__ import annotations

import io
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from pydockerd.builder.context import TarTree, plain_tar
from pydockerd.builder.copying import Plan, Wish, digest, matches, parse_mode
from pydockerd.builder.ignore import Ignore
from pydockerd.builder.layertar import Traces, as_file, left_out, rewritten, tar
from pydockerd.builder.owners import owner
from pydockerd.builder.tree import EmptyTree, Kind, Loop, Node, resolve, walk
from pydockerd.errors import BadRequest

Entry = tuple[str, str] | tarfile.TarInfo


def archive(entries: Mapping[str, str], *, mtime: int = 0, mode: int = 0o644) -> IO[bytes]:
    """Names to contents; ``name@`` is a link to its content, ``name/`` a directory, ``name=`` a hard link, ``name|`` a fifo."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    with tarfile.open(fileobj=file, mode="w") as made:
        for name, content in entries.items():
            info = tarfile.TarInfo(name.rstrip("@/=|"))
            info.mtime, info.mode = mtime, mode
            kinds = {"@": tarfile.SYMTYPE, "/": tarfile.DIRTYPE, "=": tarfile.LNKTYPE, "|": tarfile.FIFOTYPE}
            info.type = kinds.get(name[-1], tarfile.REGTYPE)
            if name[-1] in "@=":
                info.linkname = content
                made.addfile(info)
            else:
                info.size = len(content) if info.isreg() else 0
                made.addfile(info, io.BytesIO(content.encode()))
    file.flush()
    return file


@pytest.fixture
def context() -> Iterator[TarTree]:
    entries = {
        "a": "A",
        "dir/b": "B",
        "dir/deep/c": "C",
        "abs@": "/dir",
        "up@": "../../../dir/b",
        "loop@": "loop",
        "out@": "/etc/passwd",
    }
    with archive(entries) as file:
        yield TarTree.read(file)


def plan_of(
    tree: TarTree, sources: tuple[str, ...], destination: str, root: TarTree | EmptyTree, **more: object
) -> Plan:
    wish = evolve(Wish(name="COPY", sources=sources, destination=destination), **more)  # type: ignore[arg-type]
    plan = Plan(wish, root, 5)
    found = [each for source in sources for each in matches(tree, source, "COPY")]
    plan.add(tree, found, several=len(found) > 1)
    return plan


def test_links_stay_inside(context: TarTree) -> None:
    assert resolve(context, "abs/deep/../b") == "dir/b"
    assert resolve(context, "up") == "dir/b"
    assert resolve(context, "../../a") == "a"
    assert resolve(context, "out") == "etc/passwd"
    assert matches(context, "../../../a", "COPY")[0].path == "a"
    with pytest.raises(Loop):
        resolve(context, "loop")
    with pytest.raises(BadRequest, match="file does not exist"):
        matches(context, "out", "COPY")
    with pytest.raises(BadRequest, match="too many levels"):
        matches(context, "loop", "COPY")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"../x": ""}, "would leave it"),
        ({"a": "", "a/b": ""}, "which is no directory"),
        ({"a=": "b"}, "which is not there"),
        ({"a@": "/tmp", "a/b": ""}, "which is no directory"),
    ],
)
def test_archives_that_lead_out(entries: Mapping[str, str], message: str) -> None:
    with archive(entries) as file, pytest.raises(BadRequest, match=message):
        TarTree.read(file)


def test_later_entries_replace_earlier_ones() -> None:
    with archive({"x/a": "1", "x/b": "2"}) as first:
        first.seek(0)
        data = first.read().rstrip(b"\0")
        data += bytes(-len(data) % 512)
        with archive({"x": "file", "y=": "x"}) as second, tempfile.TemporaryFile() as both:
            second.seek(0)
            both.write(data + second.read())
            both.flush()
            tree = TarTree.read(both)
            assert [path for path, _ in walk(tree, "")] == ["", "x", "y"]
            assert b"".join(tree.pieces("y")) == b"file"


def test_names_that_are_not_text() -> None:
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w", encoding="utf-8", errors="surrogateescape") as made:
            made.addfile(tarfile.TarInfo("a\udcff"))
        file.flush()
        tree = TarTree.read(file)
        plan = plan_of(tree, (".",), "/d/", EmptyTree())
        assert [item.target for item in plan.items] == ["d", "d/a\udcff"]
        assert b"d/a\xff\0" in b"".join(tar(plan.items))
        assert len(digest(plan.items)) == 64


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=1200) | st.binary(max_size=400).map(lambda data: data + bytes(1024)))
def test_nothing_but_refusals_comes_of_nonsense(data: bytes) -> None:
    with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as plain:
        file.write(data)
        file.flush()
        try:
            tree = TarTree.read(plain_tar(file, plain))
        except BadRequest:
            return
        assert tree.node("") is not None


@pytest.mark.parametrize(
    ("sources", "destination", "targets"),
    [
        (("a",), "/x", ["x"]),
        (("a",), "/x/", ["x", "x/a"]),
        (("dir",), "/x", ["x", "x/b", "x/deep", "x/deep/c"]),
        (("dir/",), "x/y", ["x", "x/y", "x/y/b", "x/y/deep", "x/y/deep/c"]),
        (("a", "dir/*"), "/x/", ["x", "x/a", "x/b", "x/c"]),
        (("d?r/[a-c]",), "/x", ["x"]),
        (("abs",), "/x", ["x", "x/b", "x/deep", "x/deep/c"]),
        (("up",), "/x/", ["x", "x/up"]),
    ],
)
def test_targets(context: TarTree, sources: tuple[str, ...], destination: str, targets: list[str]) -> None:
    assert [item.target for item in plan_of(context, sources, destination, EmptyTree()).items] == targets


def test_destinations_in_what_is_there(context: TarTree) -> None:
    with archive({"usr/lib/": "", "lib@": "usr/lib", "file": "", "esc@": "../../../.."}) as file:
        root = TarTree.read(file)
        assert [item.target for item in plan_of(context, ("a",), "/lib", root).items] == ["usr/lib/a"]
        assert [item.target for item in plan_of(context, ("a",), "/esc/x", root).items] == ["x"]
        assert [item.target for item in plan_of(context, ("dir",), "/", root).items] == ["b", "deep", "deep/c"]
        with pytest.raises(BadRequest, match="cannot copy to non-directory: /file"):
            plan_of(context, ("dir",), "/file", root)
        with pytest.raises(BadRequest, match="must be a directory and end with a /"):
            plan_of(context, ("a", "up"), "/x", root)


def test_parents_and_exclusion(context: TarTree) -> None:
    plan = plan_of(context, ("dir/deep/c", "a"), "/x/", EmptyTree(), parents=True)
    assert [item.target for item in plan.items] == ["x", "x/dir", "x/dir/deep", "x/dir/deep/c", "x/a"]
    plan = plan_of(context, ("dir",), "/x/", EmptyTree(), exclude=("deep", "!deep/c"))
    assert [item.target for item in plan.items] == ["x", "x/b", "x/deep/c"]


def test_what_a_step_is_known_by() -> None:
    """Contents, modes and owners; not when a file was touched."""

    def of(entries: Mapping[str, str], *, mtime: int = 0, mode: int = 0o644, **more: object) -> str:
        with archive(entries, mtime=mtime, mode=mode) as file:
            return digest(plan_of(TarTree.read(file), (".",), "/x/", EmptyTree(), **more).items)

    same = of({"a": "1"})
    assert of({"a": "1"}, mtime=99) == same
    others = [of({"a": "2"}), of({"b": "1"}), of({"a": "1"}, mode=0o600), of({"a": "1"}, owner=(1, 1)), of({"a@": "1"})]
    assert len({same, *others}) == 6


def test_ignored_files_are_not_there(context: TarTree) -> None:
    kept = context.without(Ignore.of(["dir", "!dir/deep/c", "*p"]))
    assert [path for path, _ in walk(kept, "")] == ["", "a", "abs", "dir", "dir/deep", "dir/deep/c", "out"]


def test_owners() -> None:
    with archive({"etc/passwd": "me:x:5:6:::\nbad\n", "etc/group": "us:x:7:\n"}) as file:
        tree = TarTree.read(file)
        assert owner(tree, "me") == (5, 5)
        assert owner(tree, "me:us") == (5, 7)
        assert owner(tree, "1:2") == (1, 2)
        with pytest.raises(BadRequest, match="no such user: who"):
            owner(tree, "who")
        with pytest.raises(BadRequest, match="too large"):
            owner(tree, "9999999999")


@pytest.mark.parametrize("text", ["8", "a", "12345678", "", "u+x"])
def test_modes_that_are_none(text: str) -> None:
    with pytest.raises(BadRequest, match="invalid chmod parameter"):
        parse_mode(text)


def test_traces_of_mounts_are_left_out() -> None:
    entries = {
        "etc/": "",
        "etc/hosts": "",
        "mnt/": "",
        "mnt/a/": "",
        "mnt/a/b/": "",
        "new/": "",
        "new/m/": "",
        "new/x": "kept",
    }
    with archive(entries, mode=0o755, mtime=100) as file:
        node = Node(kind=Kind.DIRECTORY, mode=0o755)
        traces = Traces(
            ("etc/hosts", "mnt/a", "mnt/a/b", "new", "new/m"), {"etc": node, "mnt": evolve(node, mode=0o700)}
        )
        left = left_out(file, traces)
        assert left == {"etc", "etc/hosts", "mnt/a", "mnt/a/b", "new/m"}
        with tarfile.open(fileobj=io.BytesIO(as_file(rewritten(file, left, 50 * 10**9)).read())) as made:
            found = [(entry.name, entry.mtime) for entry in made]
        assert found == [("mnt", 50), ("new", 50), ("new/x", 50)]
