"""A counter goes on counting after it has been checkpointed and restored: by criu, where it knows the kernel (the virtual machines)."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import pyrunc
from pyrunc import CheckpointOptions, Container, Runtime, Stdio
from tests.runtime.cli.conftest import Command, _program, _with_clean_end
from tests.runtime.conftest import Bundle, read_all
from tests.support.criu import needs_criu
from tests.support.run import RUN

pytestmark = needs_criu

COUNT = "i=0; while :; do i=$((i+1)); echo $i >/out/new; mv /out/new /out/count; echo said $i; sleep 0.1; done"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    made = tmp_path / "out"
    made.mkdir()
    return made


def counter(bundle: Bundle, out: Path) -> pyrunc.Spec:
    return bundle.spec(COUNT).with_mount("/out", "bind", source=str(out), options=("rbind", "rw"))


def count(out: Path, above: int = 0) -> int:
    """The number, once it is above."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if (found := int((out / "count").read_text())) > above:
                return found
        except (FileNotFoundError, ValueError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"it does not count beyond {above}")


def started(runtime: Runtime, bundle: Bundle, out: Path, stdio: Stdio) -> Container:
    container = runtime.create("web", bundle.path, spec=counter(bundle, out), stdio=stdio)
    container.start()
    count(out, 2)
    return container


def test_its_count_goes_on(runtime: Runtime, bundle: Bundle, out: Path, tmp_path: Path) -> None:
    container = started(runtime, bundle, out, Stdio.null())
    container.checkpoint(tmp_path / "images")
    assert container.state().status.value == "stopped"
    container.delete()
    before = count(out)
    time.sleep(0.5)
    assert count(out) == before
    again = runtime.restore("again", bundle.path, tmp_path / "images", spec=counter(bundle, out), stdio=Stdio.null())
    assert again.state().status.value == "running"
    assert before < count(out, before) < before + 60
    assert again.pid in again.processes()
    assert again.exec(pyrunc.Process(args=("/bin/true",), cwd="/"), stdio=Stdio.null()).wait(30).code == 0
    again.kill("KILL")
    assert again.wait(30).signal == 9
    again.delete()


def test_left_running(runtime: Runtime, bundle: Bundle, out: Path, tmp_path: Path) -> None:
    container = started(runtime, bundle, out, Stdio.null())
    container.checkpoint(tmp_path / "first", CheckpointOptions(pre_dump=True))
    container.checkpoint(tmp_path / "images", CheckpointOptions(leave_running=True, parent_path="../first"))
    assert container.state().status.value == "running"
    count(out, count(out))
    container.delete(force=True)


def test_a_paused_one_goes_on_when_it_is_restored(runtime: Runtime, bundle: Bundle, out: Path, tmp_path: Path) -> None:
    container = started(runtime, bundle, out, Stdio.null())
    container.pause()
    container.checkpoint(tmp_path / "images")
    container.delete()
    before = count(out)
    again = runtime.restore("again", bundle.path, tmp_path / "images", spec=counter(bundle, out), stdio=Stdio.null())
    assert before < count(out, before) < before + 60
    again.delete(force=True)


def test_pipes_are_given_anew(runtime: Runtime, bundle: Bundle, out: Path, tmp_path: Path) -> None:
    container = started(runtime, bundle, out, Stdio.pipes())
    with container.streams():
        container.checkpoint(tmp_path / "images")
        container.delete()
    before = count(out)
    again = runtime.restore("again", bundle.path, tmp_path / "images", spec=counter(bundle, out), stdio=Stdio.pipes())
    count(out, before + 2)
    again.kill("KILL")
    with again.streams() as streams:
        assert f"said {before + 2}" in read_all(streams.stdout)
    again.wait(30)
    again.delete()


def overlay(bundle: Bundle, tmp_path: Path) -> pyrunc.RootMount:
    """A root that is mounted in the container's own mount namespace, and is nowhere on the host."""
    for name in ("upper", "work"):
        (tmp_path / name).mkdir(exist_ok=True)
    options = (f"lowerdir={bundle.root}", f"upperdir={tmp_path / 'upper'}", f"workdir={tmp_path / 'work'}")
    return pyrunc.RootMount("overlay", "overlay", options)


def test_under_a_monitor_on_a_root_that_is_nowhere(runtime: Runtime, bundle: Bundle, out: Path, tmp_path: Path) -> None:
    """And its end is known to whoever asks later, which only its parent can tell."""
    (empty := tmp_path / "rootfs").mkdir()
    spec = counter(bundle, out).with_root(empty)
    roots = [overlay(bundle, tmp_path)]
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.pipes(), monitor=True, root_mounts=roots)
    container.start()
    count(out, 2)
    container.checkpoint(tmp_path / "images")
    assert container.wait(30).signal == 9
    container.delete()
    before = count(out)
    again = runtime.restore(
        "again", bundle.path, tmp_path / "images", spec=spec, stdio=Stdio.pipes(), monitor=True, root_mounts=roots
    )
    assert before < count(out, before + 2) < before + 60
    assert Path("/proc/self/mountinfo").read_text().count("criu-root") == 0
    assert again.exec(pyrunc.Process(args=("/bin/true",), cwd="/"), stdio=Stdio.null()).wait(30).code == 0
    found = runtime.get("again")
    with found.streams() as streams:
        assert streams.stdout is not None
        assert b"said" in os.read(streams.stdout, 4096)
    found.kill("KILL")
    assert found.wait(30).signal == 9
    found.delete()


def test_a_restore_that_criu_refuses_leaves_nothing(
    runtime: Runtime, bundle: Bundle, out: Path, tmp_path: Path
) -> None:
    container = started(runtime, bundle, out, Stdio.null())
    container.checkpoint(tmp_path / "images")
    container.delete()
    for image in (tmp_path / "images").glob("pstree*.img"):
        image.write_bytes(b"no image")
    for monitor in (False, True):
        with pytest.raises(pyrunc.CriuFailed, match="criu restore failed"):
            runtime.restore(
                "again",
                bundle.path,
                tmp_path / "images",
                spec=counter(bundle, out),
                stdio=Stdio.null(),
                monitor=monitor,
            )
    assert runtime.ids() == []


@pytest.fixture(params=["pyrunc", "runc"])
def command(request: pytest.FixtureRequest, tmp_short: Path) -> Iterator[Command]:
    yield from _with_clean_end(_program(request.param), tmp_short / request.param)


def test_the_commands(command: Command, bundle: Bundle, out: Path, tmp_path: Path) -> None:
    name = f"cli-{RUN.name[:12]}"
    # Not below another one, which runc would leave behind.
    bundle.write(counter(bundle, out).with_linux(cgroups_path=f"/pyrunc-{RUN.name[:12]}"))
    assert command.quietly("run", "--detach", "--bundle", str(bundle.path), name) == 0
    count(out, 2)
    images = ["--image-path", str(tmp_path / "images"), "--work-path", str(tmp_path)]
    done = command("checkpoint", *images, name)
    assert done.returncode == 0, done.stderr + (tmp_path / "dump.log").read_text()[-3000:]
    assert command("state", name).returncode == 1, "it is gone"
    before = count(out)
    pid_file = tmp_path / "pid"
    restore = ["restore", "--detach", *images, "--bundle", str(bundle.path), "--pid-file", str(pid_file), name]
    assert command.quietly(*restore) == 0, (tmp_path / "restore.log").read_text()[-3000:]
    assert before < count(out, before) < before + 100
    assert json.loads(command("state", name).stdout)["pid"] == int(pid_file.read_text())
    assert command("delete", "--force", name).returncode == 0
