"""The corners of the command line: what pyrunc and runc refuse, what they let pass, and what pyrunc must name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.runtime.cli.conftest import Command, MakeBundle
from tests.runtime.cli.test_peers import wait_for

pytestmark = pytest.mark.peer


def test_signals(pyrunc: Command, runc: Command, make_bundle: MakeBundle, name: str) -> None:
    """0 asks only whether there is somebody; what is no signal is no reason to end a container."""
    bundle = make_bundle("sleep", "60")
    for command in (pyrunc, runc):
        assert command.quietly("create", "-b", str(bundle), name) == 0
        codes = {word: command("kill", name, word).returncode for word in ("FOO", "0", "99", "-1", "SIGWINCH", "28")}
        assert codes == {"FOO": 1, "0": 0, "99": 1, "-1": 1, "SIGWINCH": 0, "28": 0}
        assert command.state(name)["status"] == "created"
        assert command("kill", "--all", name, "KILL").returncode == 0
        wait_for(command, name, "stopped")
        assert command("kill", name, "KILL").returncode == 1
        assert command("kill", "--all", name, "KILL").returncode == 0, "there may be others left"
        assert command("delete", name).returncode == 0


def test_what_is_not_there(pyrunc: Command, runc: Command) -> None:
    for command in (pyrunc, runc):
        for action in ("kill", "delete", "start", "state", "pause", "resume", "events", "update", "checkpoint", "ps"):
            done = command(action, "nosuch")
            assert done.returncode == 1, action
            assert "does not exist" in done.stderr, action
        assert command("delete", "--force", "nosuch").returncode == 0
        assert command("exec", "nosuch", "true").returncode == 255


def test_without_a_name(pyrunc: Command, runc: Command) -> None:
    for command in (pyrunc, runc):
        for action in (
            "kill",
            "delete",
            "start",
            "state",
            "pause",
            "resume",
            "events",
            "update",
            "checkpoint",
            "restore",
        ):
            assert command(action).returncode == 1, action


def test_force_deletes_whatever_its_state(pyrunc: Command, runc: Command, make_bundle: MakeBundle, name: str) -> None:
    bundle = make_bundle("sleep", "60")
    for command in (pyrunc, runc):
        assert command.quietly("create", "-b", str(bundle), name) == 0
        assert command("delete", "--force", name).returncode == 0
        assert command.quietly("run", "-d", "-b", str(bundle), name) == 0
        assert command("pause", name).returncode == 0
        assert command("delete", name).returncode == 1
        assert command("delete", "--force", name).returncode == 0
        assert command("list", "-q").stdout == ""


@pytest.mark.parametrize("value", ["true", "false", "auto"])
def test_rootless_says_nothing_to_root(
    pyrunc: Command, runc: Command, make_bundle: MakeBundle, name: str, value: str
) -> None:
    bundle = make_bundle("echo", "out")
    for command in (pyrunc, runc):
        done = command("run", "-b", str(bundle), name, before=("--rootless", value))
        assert (done.returncode, done.stdout) == (0, "out\n"), done.stderr
    assert pyrunc("list", "-q", before=("--rootless", "maybe")).returncode == 1


@pytest.mark.parametrize(
    ("resources", "field"),
    [
        ({"memory": {"limit": 1 << 26}}, "linux.resources.memory.limit"),
        ({"cpu": {"shares": 100}}, "linux.resources.cpu.shares"),
        ({"cpu": {"cpus": "0"}}, "linux.resources.cpu.cpus"),
        ({"pids": {"limit": 3}}, "linux.resources.pids.limit"),
        ({"unified": {"memory.high": "1"}}, "linux.resources.unified.memory.high"),
    ],
)
def test_without_cgroups_limits_are_refused(
    pyrunc: Command, make_bundle: MakeBundle, name: str, resources: dict[str, object], field: str
) -> None:
    bundle = make_bundle("true")
    document = json.loads((bundle / "config.json").read_text())
    document["linux"]["resources"] = resources
    (bundle / "config.json").write_text(json.dumps(document))
    done = pyrunc("run", "-b", str(bundle), name, before=("--cgroup-manager=disabled",))
    assert done.returncode == 1
    assert f"{field}: cannot be limited: cgroups are disabled" in done.stderr
    assert pyrunc("list", "-q").stdout == ""


def test_without_cgroups_there_is_a_life(pyrunc: Command, make_bundle: MakeBundle, name: str, tmp_path: Path) -> None:
    without = ("--cgroup-manager=disabled",)
    bundle = make_bundle("sleep", "60")
    pid = tmp_path / "pid"
    assert pyrunc.quietly(*without, "run", "-d", "-b", str(bundle), "--pid-file", str(pid), name) == 0
    assert f"pyrunc-{name}" not in Path(f"/proc/{pid.read_text()}/cgroup").read_text()
    assert pyrunc("exec", name, "echo", "in it").stdout == "in it\n"
    for arguments in (("pause", name), ("events", name), ("update", "--pids-limit", "3", name)):
        done = pyrunc(*arguments)
        assert done.returncode == 1
        assert "cgroups are disabled" in done.stderr
    assert pyrunc("kill", name, "KILL").returncode == 0
    wait_for(pyrunc, name, "stopped")
    assert pyrunc("delete", name).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("checkpoint", "--lazy-pages", "x"), "--page-server"),
        (("checkpoint", "--page-server", "here", "x"), "ADDRESS:PORT"),
        (("checkpoint", "--parent-path", "/abs", "x"), "must be relative"),
        (("checkpoint", "--manage-cgroups-mode", "strange", "x"), "--manage-cgroups-mode"),
        (("restore", "--no-pivot", "x"), "--no-pivot"),
        (("restore", "--empty-ns", "pid", "x"), "--empty-ns"),
    ],
)
def test_what_criu_cannot_do(pyrunc: Command, make_bundle: MakeBundle, arguments: tuple[str, ...], told: str) -> None:
    done = pyrunc(*arguments, cwd=make_bundle("true"))
    assert done.returncode == 1
    assert told in done.stderr


def test_the_program_of_criu(pyrunc: Command, make_bundle: MakeBundle, name: str, tmp_path: Path) -> None:
    assert pyrunc.quietly("run", "-d", "-b", str(make_bundle("sleep", "60")), name) == 0
    images = ["--image-path", str(tmp_path / "images")]
    done = pyrunc("checkpoint", *images, name, before=("--criu", "/nosuch/criu"))
    assert "checkpoint and restore needs /nosuch/criu: install the package criu" in done.stderr
    done = pyrunc("checkpoint", *images, name, before=("--criu", "false"))
    assert "criu dump failed: exit code 1; see " in done.stderr
    assert pyrunc.state(name)["status"] == "running"
