"""cp, diff, commit and export beside the real docker CLI: what arrives where, and under which name."""

from __future__ import annotations

import io
import itertools
import os
import re
import tarfile
from pathlib import Path

import pytest

from tests.client.commands.conftest import SPEAKS_LIKE, Outcome, Pair
from tests.client.commands.forked import forked
from tests.support.cli_version import needs_cli

pytestmark = [
    pytest.mark.peer,
    needs_cli(SPEAKS_LIKE, "words to compare with"),
]

_MAKE = "mkdir {0} {0}/d {0}/d/sub {0}/exist; echo f > {0}/d/f; chmod 640 {0}/d/f; echo deep > {0}/d/sub/x; echo file > {0}/file; "
_LINK = "ln -s d {0}/dlink; ln -s file {0}/flink; ln -s nothing {0}/dangling; ln {0}/d/f {0}/d/hard; "
SOURCES = ("d", "d/.", "d/f", "dlink", "dlink/", "flink", "nope")
TARGETS = ("exist", "new", "new/", "file", "dlink", "flink", "dangling", "no/where")
CASES = [
    # Not all of one with all of the other: there are many, and each is a program's run. Each of both is met twice or more.
    (source, target)
    for (i, source), (j, target) in itertools.product(enumerate(SOURCES), enumerate(TARGETS))
    if (i + j) % 3 == 0
]


def make(directory: Path) -> None:
    os.system((_MAKE + _LINK).format(directory))  # the same program as in the container


def tree(directory: Path) -> dict[str, tuple[object, ...]]:
    """All that is there: kind and mode, what is in it, or where it leads."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(directory.rglob("*")):
        kind = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else ""
        found[str(path.relative_to(directory))] = (oct(kind.st_mode), kind.st_uid, kind.st_nlink, content)
    return found


@pytest.fixture(scope="module")
def files(pair: Pair) -> Pair:
    script = (_MAKE + _LINK).format("/src")
    assert pair.daemon.docker("exec", "web", "sh", "-c", script).returncode == 0
    return pair


def outcome(code: int, text: str) -> Outcome:
    """Without what names one of the two copies, and what docker logs beside its message."""
    text = re.sub(r'^time=".*\n', "", text, flags=re.MULTILINE)
    return Outcome(code, "", re.sub(r"/(?:ours|theirs)\b", "/it", text))


@pytest.mark.parametrize("flags", [(), ("-L",)])
def test_out_of_a_container(files: Pair, tmp_path: Path, flags: tuple[str, ...]) -> None:
    for number, (source, target) in enumerate(CASES):
        places = [tmp_path / str(number) / name for name in ("theirs", "ours")]
        for place in places:
            place.parent.mkdir(exist_ok=True)
            make(place)
        args = [["cp", *flags, f"web:/src/{source}", f"{place}/{target}"] for place in places]
        theirs = files.daemon.docker(*args[0])
        ours = forked(files.daemon, args[1], "")
        what = f"{source} to {target} {flags}"
        assert (what, outcome(ours.returncode, ours.stderr)) == (what, outcome(theirs.returncode, theirs.stderr))
        assert (what, tree(places[1])) == (what, tree(places[0]))


@pytest.mark.parametrize("flags", [(), ("-L",)])
def test_into_a_container(files: Pair, tmp_path: Path, flags: tuple[str, ...]) -> None:
    local = tmp_path / "from"
    make(local)
    base = f"/into{''.join(flags)}"
    script = f"mkdir {base} {base}/theirs {base}/ours; for i in $(seq 0 {len(CASES) - 1}); do for w in theirs ours; do "
    script += (_MAKE + _LINK).format(f"{base}/$w/$i") + "done; done"
    assert files.daemon.docker("exec", "web", "sh", "-c", script).returncode == 0
    for number, (source, target) in enumerate(CASES):
        theirs = files.daemon.docker("cp", *flags, f"{local}/{source}", f"web:{base}/theirs/{number}/{target}")
        ours = forked(files.daemon, ["cp", *flags, f"{local}/{source}", f"web:{base}/ours/{number}/{target}"], "")
        what = f"{number}: {source} to {target} {flags}"
        assert (what, outcome(ours.returncode, ours.stderr)) == (what, outcome(theirs.returncode, theirs.stderr))
    seen = []
    for who in ("theirs", "ours"):
        script = f"cd {base}/{who}; find . | sort | while read p; do stat -c '%n %F %a %u %h' $p; [ -f $p ] && cat $p; done; true"
        seen.append(files.daemon.docker("exec", "web", "sh", "-c", script).stdout)
    assert seen[1] == seen[0]
    assert len(seen[0].splitlines()) > len(CASES) * 15


def archive(*members: tarfile.TarInfo) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"evil!") if member.isreg() else None)
    return data.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    made.size = 5 if kind == tarfile.REGTYPE else 0
    return made


@pytest.mark.parametrize(
    "members",
    [
        [member("../out")],
        [member("d/../../out")],
        [member("l", tarfile.SYMTYPE, "/"), member("l/out")],
        [member("l", tarfile.SYMTYPE, ".."), member("l/out")],
        [member("h", tarfile.LNKTYPE, "../secret")],
        [member("..")],
    ],
)
def test_an_archive_that_leads_elsewhere_is_refused(tmp_path: Path, members: list[tarfile.TarInfo]) -> None:
    from pyctl.app.copying.unpacking import unpack
    from pyctl.errors import CommandFailed

    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_text("mine")
    with pytest.raises(CommandFailed, match="leads out of"):
        unpack([archive(*members)], str(tmp_path / "in"), lambda name: name)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "in/h").exists()
    assert not Path("/out").exists()


def test_a_broken_archive_is_told(tmp_path: Path) -> None:
    from pyctl.app.copying.unpacking import unpack
    from pyctl.errors import CommandFailed

    with pytest.raises(CommandFailed, match="error reading the archive"):
        unpack([archive(member("a"))[:700]], str(tmp_path), lambda name: name)


def test_archives_by_standard_streams(files: Pair) -> None:
    assert files.compare("cp", "web:/src/file", "-").out.count("file\n") == 1
    data = files.daemon.pyctl("cp", "web:/src/d", "-").stdout
    assert files.daemon.pyctl("cp", "-", "web:/src/exist", input=data).returncode == 0
    assert files.ok("exec", "web", "cat", "/src/exist/d/sub/x") == "deep"


def test_export_is_what_docker_exports(files: Pair, tmp_path: Path) -> None:
    files.ok("export", "-o", str(tmp_path / "ours.tar"), "made")
    files.daemon.docker("export", "-o", str(tmp_path / "theirs.tar"), "made")
    assert (tmp_path / "ours.tar").read_bytes() == (tmp_path / "theirs.tar").read_bytes()
    assert files.daemon.pyctl("export", "-o", str(tmp_path / "nope.tar"), "nope").returncode == 1
    assert {path.name for path in tmp_path.iterdir()} == {"ours.tar", "theirs.tar"}


def test_commit_makes_an_image_of_it(files: Pair) -> None:
    made = files.ok("commit", "-a", "me", "-m", "why", "-c", "CMD cat /src/file", "--pause=false", "web", "committed")
    try:
        assert files.ok("image", "inspect", "-f", "{{.Id}} {{.Author}} {{.Comment}}", "committed") == f"{made} me why"
        assert files.ok("run", "--rm", "--network", "none", "committed") == "file"
    finally:
        files.ok("rmi", "committed")


def test_diff_of_all_kinds(removing: Pair) -> None:
    removing.ok(
        "run",
        "--name",
        "changed",
        "--network",
        "none",
        "busybox",
        "sh",
        "-c",
        "echo >> /etc/passwd; echo > /new; rm /bin/vi",
    )
    assert set(removing.compare("diff", "changed").out.splitlines()) >= {"A /new", "C /etc/passwd", "D /bin/vi"}
