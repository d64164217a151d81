"""Volumes as the docker CLI asks for them."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli_version import needs_cli

from .conftest import Engine

NET = ("--network", "none")
RUN = ("run", "--rm", *NET)


@pytest.fixture
def volumes(engine: Engine) -> Iterator[Engine]:
    """The engine; whatever containers and volumes a test leaves are removed after it."""
    yield engine
    engine.remove_containers()
    if left := engine.ok("volume", "ls", "-q").split():
        engine.ok("volume", "rm", *left)


@pytest.fixture(scope="module")
def image(running_engine: Engine) -> Iterator[str]:
    """An image with content in two directories, which are volumes."""
    running_engine.ok(
        "create",
        "--name",
        "maker",
        *NET,
        "busybox",
        "sh",
        "-c",
        "mkdir -p /srv/sub /empty; echo text > /srv/file; chown -R 7:8 /srv; chmod 2751 /srv; ln -s file /srv/link; ln /srv/file /srv/hard; chmod 1777 /empty",
    )
    running_engine.ok("start", "-a", "maker")
    running_engine.ok("commit", "-c", 'VOLUME ["/srv", "/empty"]', "-c", "CMD sh", "maker", "content:1")
    running_engine.ok("rm", "maker")
    yield "content:1"
    running_engine.ok("rmi", "content:1")


def listed(engine: Engine, *args: str) -> list[str]:
    return engine.ok("volume", "ls", "-q", *args).split()


def mounts(engine: Engine, name: str) -> dict[str, dict[str, object]]:
    found = json.loads(engine.ok("inspect", "-f", "{{json .Mounts}}", name))
    return {mount["Destination"]: mount for mount in found}


def test_named_volumes_outlive_containers(volumes: Engine) -> None:
    volumes.ok(*RUN, "-v", "data:/x", "busybox", "sh", "-c", "echo kept > /x/file")
    assert volumes.ok(*RUN, "--mount", "type=volume,src=data,dst=/y", "busybox", "cat", "/y/file") == "kept"
    assert listed(volumes) == ["data"]
    assert volumes.docker(*RUN, "-v", "data:/x:ro", "busybox", "touch", "/x/no").returncode == 1
    assert volumes.docker(*RUN, "--mount", "src=data,dst=/x,readonly", "busybox", "touch", "/x/no").returncode == 1
    assert volumes.ok("volume", "rm", "data") == "data"
    assert listed(volumes) == []


def test_create_inspect_ls(volumes: Engine) -> None:
    assert volumes.ok("volume", "create", "--label", "a=b", "-o", "type=tmpfs", "-o", "device=tmpfs", "data") == "data"
    (found,) = json.loads(volumes.ok("volume", "inspect", "data"))
    assert found["Driver"] == "local"
    assert found["Labels"] == {"a": "b"}
    assert found["Options"] == {"type": "tmpfs", "device": "tmpfs"}
    assert found["Scope"] == "local"
    assert found["Mountpoint"].endswith("/volumes/data/_data")
    anonymous = volumes.ok("volume", "create")
    assert len(anonymous) == 64
    assert set(listed(volumes)) == {"data", anonymous}
    assert listed(volumes, "-f", "label=a=b") == ["data"]
    assert listed(volumes, "-f", "name=dat") == ["data"]
    assert volumes.ok("volume", "create", "data") == "data"


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("volume", "create", "a"), 1, "volume name is too short"),
        (("volume", "create", "a/b"), 1, 'create a/b: "a/b" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed'),
        (("volume", "create", "-o", "x=y", "ab"), 1, 'create ab: invalid option'),
        (("volume", "create", "-o", "type=tmpfs", "ab"), 1, "missing required option"),
        (("volume", "create", "-d", "nope", "ab"), 1, 'error looking up volume plugin nope: plugin "nope" not found'),
        (("volume", "inspect", "nobody"), 1, "no such volume"),
        (("volume", "rm", "nobody"), 1, "no such volume"),
        ((*RUN, "-v", "a/b:/x", "busybox"), 125, "includes invalid characters for a local volume name"),
        ((*RUN, "-v", "data:x", "busybox"), 125, "invalid volume specification: 'data:x': invalid mount config for type \"volume\": invalid mount path: 'x' mount path must be absolute"),
        ((*RUN, "-v", "data:/x:bogus", "busybox"), 125, "invalid mode: bogus"),
        ((*RUN, "-v", "aa:/x", "-v", "bb:/x", "busybox"), 125, "Duplicate mount point: /x"),
        ((*RUN, "--volumes-from", "nobody", "busybox"), 125, "No such container: nobody"),
    ],
)  # fmt: skip
def test_refused_and_nothing_left(volumes: Engine, args: tuple[str, ...], code: int, message: str) -> None:
    result = volumes.docker(*args)
    assert (result.returncode, message.lower() in result.stderr.lower()) == (code, True), result.stderr
    assert [name for name in listed(volumes) if len(name) == 64] == []


def test_copy_up(volumes: Engine, image: str) -> None:
    look = "stat -c '%u:%g %a %h' /srv /srv/file; readlink /srv/link; cat /srv/hard; stat -c %a /empty"
    expected = "7:8 2751 3\n7:8 644 2\nfile\ntext\n1777"
    assert volumes.ok(*RUN, "-v", "data:/srv", image, "sh", "-c", look) == expected
    assert volumes.ok(*RUN, "-v", "data:/other", "busybox", "cat", "/other/file") == "text"
    volumes.ok(*RUN, "-v", "data:/other", "busybox", "rm", "/other/file")
    assert volumes.docker(*RUN, "-v", "data:/srv", image, "cat", "/srv/file").returncode == 1


def test_nocopy(volumes: Engine, image: str) -> None:
    assert volumes.ok(*RUN, "-v", "data:/srv:nocopy", image, "ls", "-A", "/srv") == ""
    assert volumes.ok(*RUN, "--mount", "src=more,dst=/srv,volume-nocopy", image, "ls", "-A", "/srv") == ""
    assert volumes.ok(*RUN, "-v", "data:/srv", image, "cat", "/srv/file") == "text"


def test_anonymous_volumes_go_with_their_container(volumes: Engine, image: str) -> None:
    volumes.ok("run", "-d", "--name", "cc", *NET, "-v", "/own", image, "sleep", "100")
    assert set(mounts(volumes, "cc")) == {"/srv", "/empty", "/own"}
    assert {mount["Type"] for mount in mounts(volumes, "cc").values()} == {"volume"}
    assert len(listed(volumes)) == 3
    volumes.ok("rm", "-f", "cc")
    assert len(listed(volumes)) == 3
    assert len(volumes.ok("volume", "prune", "-f").splitlines()) >= 4
    volumes.ok("run", "--name", "cc", *NET, "-v", "named:/named", "-v", "/own", image, "true")
    volumes.ok("rm", "-v", "cc")
    assert listed(volumes) == ["named"]
    volumes.ok(*RUN, "-v", "named:/named", "-v", "/own", image, "true")
    assert listed(volumes) == ["named"]


def test_volumes_from(volumes: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("host")
    volumes.ok(
        "create", "--name", "holder", *NET, "-v", "data:/data", "-v", "/own", "-v", f"{tmp_path}:/host:ro", "busybox"
    )
    volumes.ok(
        *RUN, "--volumes-from", "holder", "busybox", "sh", "-c", "echo a > /data/a; echo b > /own/b; cat /host/file"
    )
    assert volumes.ok(*RUN, "--volumes-from", "holder:ro", "busybox", "sh", "-c", "cat /data/a /own/b") == "a\nb"
    for target in ("/data/x", "/own/x"):
        assert volumes.docker(*RUN, "--volumes-from", "holder:ro", "busybox", "touch", target).returncode == 1
    assert volumes.docker(*RUN, "--volumes-from", "holder", "busybox", "touch", "/host/x").returncode == 1
    volumes.ok("run", "-d", "--name", "user", *NET, "--volumes-from", "holder", "busybox", "sleep", "100")
    volumes.ok("rm", "-v", "holder")
    assert len(listed(volumes)) == 2, "the other one has them, too"
    volumes.ok("rm", "-fv", "user")
    assert listed(volumes) == ["data"]


@needs_cli(23, "volume prune -a")
def test_in_use(volumes: Engine) -> None:
    made = volumes.ok("create", "--name", "cc", *NET, "-v", "data:/x", "busybox")
    refused = volumes.docker("volume", "rm", "data")
    assert (refused.returncode, f"remove data: volume is in use - [{made}]" in refused.stderr) == (1, True)
    assert volumes.docker("volume", "rm", "-f", "data").returncode == 1
    assert listed(volumes, "-f", "dangling=true") == []
    assert volumes.ok("volume", "prune", "-af").splitlines()[-1].startswith("Total reclaimed space: 0B")
    assert listed(volumes) == ["data"]
    assert volumes.ok("ps", "-aq", "--no-trunc", "-f", "volume=data") == made
    volumes.ok("rm", "cc")
    assert "data" in volumes.ok("volume", "prune", "-af")


@needs_cli(23, "volume prune -a")
def test_prune_leaves_named_ones(volumes: Engine) -> None:
    volumes.ok("volume", "create", "data")
    anonymous = volumes.ok("volume", "create")
    assert volumes.ok("volume", "prune", "-f").splitlines()[:2] == ["Deleted Volumes:", anonymous]
    assert listed(volumes) == ["data"]


def test_tmpfs_is_shared_while_somebody_has_it(volumes: Engine) -> None:
    volumes.ok("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m,mode=700", "fast")
    point = volumes.ok("volume", "inspect", "-f", "{{.Mountpoint}}", "fast")
    volumes.ok("run", "-d", "--name", "one", *NET, "-v", "fast:/x", "busybox", "sleep", "100")
    assert point in Path("/proc/self/mountinfo").read_text()
    volumes.ok("exec", "one", "sh", "-c", "echo shared > /x/file")
    look = "cat /x/file; stat -c %a /x; df -k /x | tail -1"
    said = volumes.ok(*RUN, "-v", "fast:/x", "busybox", "sh", "-c", look).splitlines()
    assert said[:2] == ["shared", "700"]
    assert " 1024 " in said[2]
    volumes.ok("rm", "-f", "one")
    assert point not in Path("/proc/self/mountinfo").read_text()
    assert volumes.ok(*RUN, "-v", "fast:/x", "busybox", "ls", "/x") == ""


def test_bind_as_a_volume(volumes: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    options = ("-o", "type=none", "-o", "o=bind,ro", "-o", f"device={tmp_path}")
    volumes.ok("volume", "create", *options, "bound")
    assert volumes.ok(*RUN, "-v", "bound:/x", "busybox", "cat", "/x/file") == "precious"
    assert volumes.docker(*RUN, "-v", "bound:/x", "busybox", "touch", "/x/no").returncode == 1
    volumes.ok("volume", "rm", "bound")
    assert (tmp_path / "file").read_text() == "precious"


def test_a_mount_that_fails_is_told_and_leaves_nothing(volumes: Engine) -> None:
    volumes.ok("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", "device=/nowhere/at/all", "broken")
    result = volumes.docker(*RUN, "-v", "broken:/x", "busybox", "true")
    assert result.returncode == 127  # docker's CLI takes "no such file or directory" for a command that is not there
    assert "failed to mount local volume: mount /nowhere/at/all:" in result.stderr
    assert "no such file or directory" in result.stderr
    assert volumes.ok("ps", "-aq") == ""


@needs_cli(26, "--mount volume-subpath")
def test_subpath(volumes: Engine) -> None:
    fill = "mkdir -p /x/a/b; echo deep > /x/a/b/file; ln -s /etc /x/evil; ln -s a/b /x/good"
    volumes.ok(*RUN, "-v", "data:/x", "busybox", "sh", "-c", fill)
    for subpath in ("a/b", "good"):
        option = f"type=volume,src=data,dst=/y,volume-subpath={subpath}"
        assert volumes.ok(*RUN, "--mount", option, "busybox", "cat", "/y/file") == "deep"
    one = "type=volume,src=data,dst=/single,volume-subpath=a/b/file"
    assert volumes.ok(*RUN, "--mount", one, "busybox", "cat", "/single") == "deep"
    for subpath in ("evil", "missing"):
        option = f"type=volume,src=data,dst=/y,volume-subpath={subpath}"
        result = volumes.docker(*RUN, "--mount", option, "busybox", "ls", "/y")
        # docker's CLI takes these words for a command that is not there
        assert (result.returncode, "cannot access path" in result.stderr) == (127, True), result.stderr
    result = volumes.docker(*RUN, "--mount", "type=volume,src=data,dst=/y,volume-subpath=../x", "busybox", "true")
    assert (result.returncode, "subpath must be a relative path within the volume" in result.stderr) == (125, True)


def test_inspect_shows_the_mounts(volumes: Engine, tmp_path: Path) -> None:
    args = (
        "-v",
        "data:/v",
        "-v",
        "more:/ro:ro",
        "-v",
        f"{tmp_path}:/b",
        "--mount",
        "src=data,dst=/m",
        "-v",
        "/a",
        "--tmpfs",
        "/t",
    )
    volumes.ok("create", "--name", "cc", *NET, *args, "busybox")
    found = mounts(volumes, "cc")
    assert set(found) == {"/v", "/ro", "/b", "/m", "/a"}
    point = volumes.ok("volume", "inspect", "-f", "{{.Mountpoint}}", "data")
    common = {"Type": "volume", "Driver": "local", "Propagation": ""}
    assert found["/v"] == {**common, "Name": "data", "Source": point, "Destination": "/v", "Mode": "z", "RW": True}
    assert found["/m"] == {**common, "Name": "data", "Source": point, "Destination": "/m", "Mode": "z", "RW": True}
    assert (found["/ro"]["Mode"], found["/ro"]["RW"]) == ("ro", False)
    assert (found["/a"]["Type"], found["/a"]["Mode"], found["/a"]["RW"]) == ("volume", "", True)
    assert found["/b"] == {
        "Type": "bind", "Source": str(tmp_path), "Destination": "/b", "Mode": "", "RW": True, "Propagation": "rprivate",
    }  # fmt: skip


def test_events(volumes: Engine) -> None:
    begun = time.time()
    volumes.ok(*RUN, "-v", "data:/x", "busybox", "true")
    volumes.ok("volume", "rm", "data")
    said = volumes.ok(
        "events",
        "--since",
        f"{begun:.6f}",
        "--until",
        f"{time.time() + 0.1:.6f}",
        "-f",
        "type=volume",
        "-f",
        "volume=data",
        "--format",
        '{{.Action}} {{index .Actor.Attributes "driver"}} {{index .Actor.Attributes "destination"}}',
    )
    assert said.splitlines() == ["create local ", "mount local /x", "unmount local ", "destroy local "]


def test_disk_usage(volumes: Engine) -> None:
    volumes.ok(
        "run", "--name", "cc", *NET, "-v", "data:/x", "busybox", "dd", "if=/dev/zero", "of=/x/file", "bs=1M", "count=3"
    )
    line = volumes.ok("system", "df", "--format", "{{.Type}}|{{.TotalCount}}|{{.Active}}|{{.Size}}|{{.Reclaimable}}")
    (found,) = [each.split("|") for each in line.splitlines() if each.startswith("Local Volumes")]
    assert found[1:3] == ["1", "1"]
    assert found[3].startswith("3.1")


@needs_cli(25, "--mount bind-recursive")
def test_a_volume_of_the_host_s_mounts(volumes: Engine, tmp_path: Path) -> None:
    """Propagation and recursion of bind mounts: a mount below the source, made before and after the start."""
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path], check=True)
    try:
        subprocess.run(["mount", "--make-shared", tmp_path], check=True)
        (tmp_path / "before").mkdir()
        (tmp_path / "after").mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path / "before"], check=True)
        (tmp_path / "before/file").touch()
        assert volumes.ok(*RUN, "-v", f"{tmp_path}:/x", "busybox", "ls", "/x/before") == "file"
        plain = f"type=bind,src={tmp_path},dst=/x,bind-recursive=disabled"
        assert volumes.ok(*RUN, "--mount", plain, "busybox", "ls", "/x/before") == ""
        assert volumes.docker(*RUN, "-v", f"{tmp_path}:/x:ro", "busybox", "touch", "/x/before/no").returncode == 1
        writable = f"type=bind,src={tmp_path},dst=/x,readonly,bind-recursive=writable"
        assert volumes.docker(*RUN, "--mount", writable, "busybox", "touch", "/x/before/yes").returncode == 0
        volumes.ok("run", "-d", "--name", "cc", *NET, "-v", f"{tmp_path}:/x:rslave", "busybox", "sleep", "100")
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tmp_path / "after"], check=True)
        (tmp_path / "after/late").touch()
        assert volumes.ok("exec", "cc", "ls", "/x/after") == "late"
        volumes.ok("rm", "-f", "cc")
    finally:
        subprocess.run(["umount", "-R", tmp_path], check=True)
    assert os.listdir(tmp_path / "before") == []


@needs_cli(28, "--mount type=image")
def test_an_image_as_a_mount(volumes: Engine, image: str) -> None:
    mount = f"type=image,src={image},dst=/img"
    assert (
        volumes.ok(*RUN, "--mount", mount, "busybox", "sh", "-c", "cat /img/srv/file; stat -c %u /img/srv") == "text\n7"
    )
    assert volumes.docker(*RUN, "--mount", mount, "busybox", "touch", "/img/no").returncode == 1
    part = f"{mount},image-subpath=srv/link"
    assert volumes.ok(*RUN, "--mount", part, "busybox", "cat", "/img") == "text"
    assert volumes.docker(*RUN, "--mount", "type=image,src=nobody,dst=/img", "busybox", "true").returncode == 125
    volumes.ok("run", "-d", "--name", "cc", *NET, "--mount", mount, "busybox", "sleep", "100")
    volumes.ok("restart", "-t", "0", "cc")
    assert volumes.ok("exec", "cc", "cat", "/img/srv/hard") == "text"
    assert mounts(volumes, "cc")["/img"]["Type"] == "image"


@needs_cli(26, "--mount volume-subpath")
def test_cp_into_a_container_that_does_not_run(volumes: Engine, tmp_path: Path) -> None:
    """What is put where a volume will be mounted is in the volume, as docker has it."""
    (tmp_path / "config").write_text("said")
    (tmp_path / "shown").mkdir()
    options = (
        "-v",
        "data:/data",
        "-v",
        f"{tmp_path}/shown:/shown:ro",
        "--mount",
        "type=volume,src=data,dst=/part,volume-subpath=deep",
    )
    volumes.ok(*RUN, "-v", "data:/x", "busybox", "mkdir", "/x/deep")
    volumes.ok("create", "--name", "cc", *NET, *options, "busybox", "cat", "/data/config", "/part/config")
    volumes.ok("cp", f"{tmp_path}/config", "cc:/data/config")
    volumes.ok("cp", f"{tmp_path}/config", "cc:/part")
    assert volumes.ok("start", "-a", "cc") == "saidsaid"
    volumes.ok("cp", "cc:/data/.", f"{tmp_path}/out")
    assert (tmp_path / "out/deep/config").read_text() == "said"
    volumes.ok("cp", "cc:/data", f"{tmp_path}/named")
    assert (tmp_path / "named/config").read_text() == "said"
    (tmp_path / "shown/file").write_text("bound")
    volumes.ok("cp", "cc:/shown/file", f"{tmp_path}/file")
    assert (tmp_path / "file").read_text() == "bound"
    refused = volumes.docker("cp", f"{tmp_path}/config", "cc:/shown/")
    assert (refused.returncode, "mounted volume is marked read-only" in refused.stderr) == (1, True), refused.stderr
    missing = volumes.docker("cp", "cc:/data/nope", f"{tmp_path}/nope")
    assert "Could not find the file /data/nope in container cc" in missing.stderr
    assert os.listdir(volumes.directory / "run/volumes") in ([], [volumes.ok("inspect", "-f", "{{.Id}}", "cc")])
