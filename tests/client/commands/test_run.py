"""``pyctl run`` beyond its output: what is left, signals, files, pipes that end early."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.client.commands.conftest import Pair


def start(pair: Pair, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pyctl", *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=pair.daemon.environment(),
    )


def until(wanted: Callable[[], bool], timeout: float = 15) -> None:
    deadline = time.monotonic() + timeout
    while not wanted():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.05)


def ids(pair: Pair) -> set[str]:
    return set(pair.ok("ps", "-aq").split())


def test_rm_leaves_nothing_whatever_happens(pair: Pair) -> None:
    before = ids(pair)
    for args in (["true"], ["false"], ["no-such-command"], ["/etc/passwd"]):
        pair.daemon.pyctl("run", "--rm", "busybox", *args)
    assert ids(pair) == before


def test_detached(removing: Pair) -> None:
    made = removing.ok("run", "-d", "busybox", "sh", "-c", "echo hello; exit 4")
    assert len(made) == 64
    assert removing.ok("wait", made) == "4"
    assert removing.ok("logs", made) == "hello"


def test_cidfile(removing: Pair, tmp_path: Path) -> None:
    file = tmp_path / "cid"
    removing.ok("run", "--cidfile", str(file), "busybox", "true")
    assert file.read_text() == removing.ok("ps", "-lq", "--no-trunc")
    refused = removing.daemon.pyctl("run", "--cidfile", str(file), "busybox", "true")
    assert refused.returncode == 125
    assert "container ID file found" in refused.stderr


def test_no_cidfile_without_a_container(pair: Pair, tmp_path: Path) -> None:
    assert pair.daemon.pyctl("run", "--cidfile", str(tmp_path / "cid"), "--pull", "never", "nope").returncode == 125
    assert list(tmp_path.iterdir()) == []


def test_the_request_s_flags_reach_the_daemon(removing: Pair) -> None:
    flags = "--name flags -m 64m --cpus 0.5 --pids-limit 50 --read-only --init --cap-add SYS_TIME --cap-drop CHOWN"
    more = "-l a=b -h box -w /tmp -u 1:2 --entrypoint sleep --stop-signal INT --restart on-failure:2"
    removing.ok("create", *flags.split(), *more.split(), "-e", "A=1", "busybox", "5")
    document = json.loads(removing.ok("inspect", "flags"))[0]
    host, config = document["HostConfig"], document["Config"]
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (64 << 20, 500_000_000, 50)
    assert (host["ReadonlyRootfs"], host["Init"]) == (True, True)
    assert (host["CapAdd"], host["CapDrop"]) == (["SYS_TIME"], ["CHOWN"])
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 2}
    assert (config["Labels"], config["Hostname"], config["WorkingDir"]) == ({"a": "b"}, "box", "/tmp")
    assert (config["User"], config["Entrypoint"], config["Cmd"], config["StopSignal"]) == (
        "1:2",
        ["sleep"],
        ["5"],
        "INT",
    )
    assert "A=1" in config["Env"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_signals_are_the_container_s(pair: Pair, number: signal.Signals) -> None:
    script = f"trap 'echo got; exit 9' {number.name[3:]}; echo ready; while :; do sleep 0.05; done"
    run = start(pair, "run", "--rm", "busybox", "sh", "-c", script)
    assert run.stdout
    assert run.stdout.readline() == "ready\n"
    os.kill(run.pid, number)
    out, err = run.communicate(timeout=20)
    assert (run.returncode, out, err) == (9, "got\n", "")


def test_without_sig_proxy_the_command_ends_and_the_container_goes_on(removing: Pair) -> None:
    run = start(removing, "run", "--name", "stays", "--sig-proxy=false", "busybox", "sh", "-c", "echo ready; sleep 100")
    assert run.stdout
    assert run.stdout.readline() == "ready\n"
    os.kill(run.pid, signal.SIGINT)
    run.communicate(timeout=20)
    assert run.returncode == 130
    assert removing.ok("inspect", "-f", "{{.State.Status}}", "stays") == "running"


def test_killed_from_outside(removing: Pair) -> None:
    run = start(removing, "run", "--name", "victim", "busybox", "sh", "-c", "echo ready; sleep 100")
    assert run.stdout
    assert run.stdout.readline() == "ready\n"
    removing.ok("kill", "victim")
    run.communicate(timeout=20)
    assert run.returncode == 137


def test_input_and_output_of_any_size(pair: Pair) -> None:
    data = "".join(f"line {number}\n" for number in range(200_000))
    result = pair.daemon.pyctl("run", "--rm", "-i", "busybox", "cat", input=data)
    assert (result.returncode, result.stdout == data) == (0, True)


def test_a_reader_that_goes_away(pair: Pair) -> None:
    with start(pair, "run", "--rm", "busybox", "sh", "-c", "yes | head -n 100000") as run:
        assert run.stdout
        run.stdout.readline()
        run.stdout.close()
        assert run.wait(timeout=20) == 141
    until(lambda: len(ids(pair)) == 3)


def test_attach_and_start(removing: Pair) -> None:
    removing.ok("create", "-i", "--name", "echo", "busybox", "sh", "-c", "read line; echo got $line; exit 5")
    result = removing.daemon.pyctl("start", "-ai", "echo", input="x\n")
    assert (result.returncode, result.stdout) == (5, "got x\n")
    removing.ok("start", "echo")
    result = removing.daemon.pyctl("attach", "echo", input="y\n")
    assert (result.returncode, result.stdout) == (5, "got y\n")


def test_logs_follow_until_the_end(removing: Pair) -> None:
    removing.ok(
        "run", "-d", "--name", "talks", "busybox", "sh", "-c", "for i in 1 2 3 4 5; do echo $i; sleep 0.2; done"
    )
    assert removing.ok("logs", "-f", "talks") == "1\n2\n3\n4\n5"


def test_an_image_comes_goes_and_is_renamed(pair: Pair, busybox_tar: Path, tmp_path: Path) -> None:
    made = pair.ok("import", "-c", 'CMD ["echo","from the image"]', str(busybox_tar), "made:one")
    assert made.startswith("sha256:")
    pair.ok("tag", "made:one", "made:two")
    assert pair.ok("run", "--rm", "made:two") == "from the image"
    pair.ok("save", "-o", str(tmp_path / "saved.tar"), "made:two")
    assert pair.ok("rmi", "made:one") == "Untagged: made:one"
    assert f"Deleted: {made}" in pair.ok("rmi", "made:two")
    assert pair.ok("load", "-i", str(tmp_path / "saved.tar")) == "Loaded image: made:two"
    assert pair.ok("images", "--format", "{{.Repository}}:{{.Tag}}", "made") == "made:two"
    pair.ok("rmi", "made:two")
    assert list(tmp_path.iterdir()) == [tmp_path / "saved.tar"]


def test_pause_rename_restart(removing: Pair) -> None:
    removing.ok("run", "-d", "--name", "first", "busybox", "sleep", "100")
    assert removing.ok("pause", "first") == "first"
    assert removing.ok("inspect", "-f", "{{.State.Status}}", "first") == "paused"
    removing.ok("unpause", "first")
    removing.ok("rename", "first", "second")
    before = removing.ok("inspect", "-f", "{{.State.Pid}}", "second")
    assert removing.ok("restart", "-t", "0", "second") == "second"
    assert removing.ok("inspect", "-f", "{{.State.Pid}}", "second") != before


def test_events_as_they_happen(removing: Pair) -> None:
    events = start(removing, "events", "-f", "container=noisy", "--format", "{{.Action}}")
    assert events.stdout
    try:
        # The daemon subscribes when the request arrives; a loop asks until it has.
        time.sleep(0.8)
        removing.ok("run", "--name", "noisy", "busybox", "true")
        seen = [events.stdout.readline().strip() for _ in range(4)]
    finally:
        events.send_signal(signal.SIGINT)
        events.communicate(timeout=10)
    assert seen == ["create", "attach", "start", "die"]
    assert events.returncode == 130
