"""``pyctl build``: contexts of all kinds, secrets, failures and exit codes, against a real daemon."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon import Daemon, Result


@pytest.fixture(scope="module")
def builder(busybox_tar: Path) -> Iterator[Daemon]:
    daemon = Daemon()
    daemon.start()
    try:
        daemon.docker("import", str(busybox_tar), "busybox")
        yield daemon
    finally:
        daemon.stop()


def build(daemon: Daemon, *args: str | Path, stdin: bytes | None = None, **environment: str) -> Result:
    result = subprocess.run(
        [sys.executable, "-m", "pyctl", "build", "--network", "none", *map(str, args)],
        input=stdin or b"",
        capture_output=True,
        timeout=60,
        env={**os.environ, "DOCKER_HOST": daemon.host, **environment},
        check=False,
    )
    return Result(result.args, result.returncode, result.stdout.decode(), result.stderr.decode())


def says(daemon: Daemon, image: str, *command: str) -> str:
    return daemon.docker("run", "--rm", "--network", "none", image, *command).stdout


def test_a_directory(builder: Daemon, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nARG a\nARG b\nCOPY . /d\nRUN echo $a $b > /x\n")
    (tmp_path / "file").write_text("F")
    (tmp_path / "ignored").write_text("I")
    (tmp_path / ".dockerignore").write_text("ign*\n")
    made = build(builder, "-t", "one", "--build-arg", "a=1", "--build-arg", "b", "--label", "l=m", tmp_path, b="2")
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("Step 1/6 : FROM busybox\n")
    assert made.stdout.endswith("Successfully tagged one:latest\n")
    assert says(builder, "one", "cat", "/x") == "1 2\n"
    assert says(builder, "one", "ls", "-A", "/d").split() == [".dockerignore", "Dockerfile", "file"]
    again = build(builder, "-q", "--build-arg", "a=1", "--build-arg", "b=2", "--label", "l=m", tmp_path)
    assert again.stdout == builder.docker("images", "-q", "--no-trunc", "one").stdout


def test_a_dockerfile_elsewhere(builder: Daemon, tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c/file").write_text("F")
    (tmp_path / "Other").write_text("FROM busybox\nCOPY file /x\n")
    made = build(builder, "-t", "two", "-f", tmp_path / "Other", tmp_path / "c")
    assert made.returncode == 0, made.stderr
    assert says(builder, "two", "cat", "/x") == "F"


def test_standard_input(builder: Daemon, tmp_path: Path) -> None:
    text = b"FROM busybox\nRUN echo hi > /x\n"
    assert build(builder, "-t", "three", "-", stdin=text).returncode == 0
    assert says(builder, "three", "cat", "/x") == "hi\n"
    (tmp_path / "Dockerfile").write_bytes(text)
    archive = subprocess.run(["tar", "-cz", "-C", tmp_path, "."], capture_output=True, check=True).stdout
    assert "Using cache" in build(builder, "-", stdin=archive).stdout


def test_secrets(builder: Daemon, tmp_path: Path) -> None:
    mounts = "--mount=type=secret,id=one --mount=type=secret,id=two,target=/two,mode=0444,uid=5"
    (tmp_path / "Dockerfile").write_text(
        f"FROM busybox\nRUN {mounts} cat /run/secrets/one /two | wc -c > /x; stat -c '%a %u' /two >> /x\n"
    )
    (tmp_path / "secret").write_text("12345")
    given = ("--secret", f"id=one,src={tmp_path}/secret", "--secret", "id=two,env=TWO")
    made = build(builder, "-t", "four", *given, tmp_path, TWO="678")
    assert made.returncode == 0, made.stderr
    assert says(builder, "four", "cat", "/x") == "8\n444 5\n"


def test_failures(builder: Daemon, tmp_path: Path) -> None:
    assert build(builder, tmp_path / "nothing").returncode == 1
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN exit 9\n")
    failed = build(builder, tmp_path)
    assert (failed.returncode, "returned a non-zero code: 9" in failed.stderr) == (9, True)
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUM\n")
    failed = build(builder, tmp_path)
    assert failed.returncode == 1
    assert "Dockerfile:2:1: unknown instruction: RUM (did you mean RUN?)\n   2 | RUM\n     | ^" in failed.stderr
