"""What a container has done to its files, through the docker CLI: diff, commit, export, and cp in both directions."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

import docker
import pytest

from .conftest import Engine

SCRIPT = "echo new > /new; rm /etc/passwd; mkdir /d; echo deep > /d/deep; ln -s /d/deep /link; echo ready; sleep 100"


@pytest.fixture
def changed(engine: Engine) -> str:
    """The name of a running container that has changed its files."""
    engine.ok("run", "-d", "--name", "changed", "--network", "none", "-e", "A=1", "busybox", "sh", "-c", SCRIPT)
    while "ready" not in engine.ok("logs", "changed"):
        pass
    return "changed"


def test_diff(engine: Engine, changed: str) -> None:
    found = set(engine.ok("diff", changed).splitlines())
    assert {"A /new", "A /d", "A /d/deep", "A /link", "D /etc/passwd", "C /etc"} == found


def test_commit(engine: Engine, changed: str) -> None:
    identity = engine.ok("commit", "-a", "me", "-m", "why", "-c", "CMD cat /new", "-c", "ENV B=2", changed, "made:1")
    assert identity == engine.ok("inspect", "-f", "{{.Id}}", "made:1")
    form = '{{.Author}} {{.Comment}} {{join .Config.Env " "}}'
    told = engine.ok("inspect", "-f", form, "made:1")
    assert told.startswith("me why ")
    assert {"A=1", "B=2"} <= set(told.split())
    assert engine.ok("run", "--rm", "--network", "none", "made:1") == "new"
    assert engine.ok(
        "run", "--rm", "--network", "none", "made:1", "sh", "-c", "cat /link; ls /etc | grep -c passwd || true"
    ) == ("deep\n0")
    history = engine.ok("history", "--format", "{{.Comment}}", "made:1").splitlines()
    assert history[0] == "why"
    assert len(history) == 2
    engine.ok("rm", "-f", changed)
    engine.ok("rmi", "made:1")


def test_export_and_import(engine: Engine, changed: str) -> None:
    archive = engine.directory / "exported.tar"
    engine.ok("export", "-o", str(archive), changed)
    with tarfile.open(archive) as exported:
        names = set(exported.getnames())
    assert {"new", "d/deep", "link", "bin/busybox"} <= names
    assert "etc/passwd" not in names
    engine.ok("import", str(archive), "flat:1")
    assert engine.ok("run", "--rm", "--network", "none", "flat:1", "cat", "/link") == "deep"
    engine.ok("rmi", "flat:1")


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_cp_out(engine: Engine, changed: str, tmp_path: Path, running: bool) -> None:
    if not running:
        engine.ok("stop", "-t", "0", changed)
    engine.ok("cp", f"{changed}:/d", str(tmp_path / "copy"))
    assert (tmp_path / "copy/deep").read_text() == "deep\n"
    engine.ok("cp", f"{changed}:/d/.", str(tmp_path))
    assert (tmp_path / "deep").read_text() == "deep\n"
    engine.ok("cp", f"{changed}:/link", str(tmp_path / "as-link"))
    assert os.readlink(tmp_path / "as-link") == "/d/deep"
    engine.ok("cp", "-L", f"{changed}:/link", str(tmp_path / "followed"))
    assert (tmp_path / "followed").read_text() == "deep\n"
    missing = engine.docker("cp", f"{changed}:/nothing", str(tmp_path))
    told = (
        "Could not find the file /nothing in container",
        "No such container:path",
    )  # as newer and older clients say it
    assert (missing.returncode, any(words in missing.stderr for words in told)) == (1, True), missing.stderr
    streamed = subprocess.run(
        ["docker", "cp", f"{changed}:/d", "-"], env=engine.environment(), capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(streamed)) as archive:
        assert archive.getnames() == ["d", "d/deep"]


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_cp_in(engine: Engine, changed: str, tmp_path: Path, running: bool) -> None:
    if not running:
        engine.ok("stop", "-t", "0", changed)
    (tmp_path / "tree/sub").mkdir(parents=True)
    (tmp_path / "tree/sub/file").write_text("mine\n")
    (tmp_path / "tree/sub/file").chmod(0o750)
    engine.ok("cp", str(tmp_path / "tree"), f"{changed}:/new-name")
    engine.ok("cp", str(tmp_path / "tree/sub/file"), f"{changed}:/d")
    engine.ok("cp", str(tmp_path / "tree/sub/file"), f"{changed}:/link")
    engine.ok("cp", f"{tmp_path}/tree/.", f"{changed}:/d")
    nowhere = engine.docker("cp", str(tmp_path / "tree"), f"{changed}:/no/where")
    assert nowhere.returncode == 1
    over = engine.docker("cp", str(tmp_path / "tree"), f"{changed}:/new")
    assert (over.returncode, "cannot copy directory" in over.stderr) == (1, True)
    if not running:
        engine.ok("commit", changed, "made:2")
    script = "cat /new-name/sub/file /d/file /d/deep /d/sub/file; stat -c %a /d/file"
    if running:
        said = engine.ok("exec", changed, "sh", "-c", script)
    else:
        said = engine.ok("run", "--rm", "--network", "none", "made:2", "sh", "-c", script)
    assert said.split() == ["mine"] * 4 + ["750"]
    if not running:
        engine.ok("rm", "-f", changed)
        engine.ok("rmi", "made:2")


def test_cp_does_not_follow_the_containers_links_to_the_host(engine: Engine, tmp_path: Path) -> None:
    """CVE-2018-15664 at rest; tests/supervisor/tasks/test_archive.py has it in motion."""
    secret = tmp_path / "secret"
    secret.write_text("the host's")
    script = f"ln -s {tmp_path} /way; ln -s {secret} /file; echo ready; sleep 100"
    engine.ok("run", "-d", "--name", "evil", "--network", "none", "busybox", "sh", "-c", script)
    while "ready" not in engine.ok("logs", "evil"):
        pass
    assert engine.docker("cp", "evil:/way/secret", str(tmp_path / "out")).returncode == 1
    assert engine.docker("cp", "-L", "evil:/file", str(tmp_path / "out")).returncode == 1
    (tmp_path / "mine").write_text("mine")
    engine.docker("cp", str(tmp_path / "mine"), "evil:/way/")
    engine.docker("cp", str(tmp_path / "mine"), "evil:/file")
    assert secret.read_text() == "the host's"
    assert sorted(os.listdir(tmp_path)) == ["mine", "secret"]


def test_docker_py(engine: Engine, changed: str) -> None:
    """Its own words for the same: a configuration in the body of a commit, archives as bytes."""
    with contextlib.closing(docker.DockerClient(base_url=engine.host)) as client:
        container = client.containers.get(changed)
        assert {"Path": "/new", "Kind": 1} in container.diff()
        bits, told = container.get_archive("/d")
        assert (told["name"], bool(told["mode"] & 1 << 31)) == ("d", True)
        with tarfile.open(fileobj=io.BytesIO(b"".join(bits))) as archive:
            assert archive.getnames() == ["d", "d/deep"]
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as archive:
            archive.addfile(tarfile.TarInfo("put"))
        assert container.put_archive("/d", made.getvalue())
        conf = {"Cmd": ["ls", "/d"], "Env": ["C=a b"], "Labels": {"l": "v w"}, "WorkingDir": "/d"}
        image = container.commit("made", "3", author="me", conf=conf)
        config = image.attrs["Config"]
        assert (config["Cmd"], config["WorkingDir"], config["Labels"]["l"]) == (["ls", "/d"], "/d", "v w")
        assert {"A=1", "C=a b"} <= set(config["Env"])
        assert client.containers.run("made:3", network_mode="none", remove=True) == b"deep\nput\n"
        container.remove(force=True)
        client.images.remove("made:3")
