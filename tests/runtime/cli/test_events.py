"""``events``: the JSON of runc, member by member."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyrunc.facts import Facts
from tests.runtime.cli.conftest import Command, MakeBundle

pytestmark = pytest.mark.peer


@pytest.fixture
def bundle(make_bundle: MakeBundle) -> Path:
    made = make_bundle("sleep 60; dd if=/dev/zero of=/dev/null bs=96M count=1; true")
    document = json.loads((made / "config.json").read_text())
    document["linux"]["resources"] |= {
        "memory": {"limit": 16 << 20, "swap": 16 << 20},
        "cpu": {"quota": 50_000, "period": 100_000},
        "pids": {"limit": 17},
    }
    (made / "config.json").write_text(json.dumps(document))
    return made


def members(value: Any, path: str = "") -> Iterator[tuple[str, type]]:
    """Every member with its type. Counters that may be 0 on one of two runs are left out there, so they are not compared."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from members(member, f"{path}.{name}")
    elif isinstance(value, list):
        yield path, list
        if value:
            yield from members(value[0], f"{path}[]")
    else:
        yield path, type(value)


CHANCE = (".cpu.throttling", ".memory.cache", ".blkio")
"""What may be 0 in one of two runs."""


NEWER = {
    *((f".cpuset.{name}", list) for name in ("cpus", "mems")),
    *((f".cpuset.{name}[]", int) for name in ("cpus", "mems")),
    *((f".memory.{name}.max", int) for name in ("usage", "swap")),
}
"""Members of runc's that its version 1.1 does not fill in from cgroup v2."""


def test_the_same_members(pyrunc: Command, runc: Command, bundle: Path, name: str) -> None:
    found = []
    for command in (pyrunc, runc):
        assert command.quietly("run", "-d", "-b", str(bundle), name) == 0
        done = command("events", "--stats", name)
        assert done.returncode == 0, done.stderr
        event = json.loads(done.stdout)
        assert (event["type"], event["id"]) == ("stats", name)
        assert event["data"]["memory"]["usage"]["limit"] == 16 << 20
        assert event["data"]["pids"]["limit"] == 17
        found.append(event)
        assert command("delete", "-f", name).returncode == 0
    ours, theirs = ({m for m in members(event["data"]) if not m[0].startswith(CHANCE)} for event in found)
    if Facts.probe().cgroup_mode == "v2":
        ours -= NEWER
    assert sorted(ours, key=str) == sorted(theirs, key=str)
    for path in (("memory", "kernel", "limit"), ("memory", "kernelTCP", "limit"), ("memory", "swap", "limit")):
        values = []
        for event in found:
            value = event["data"]
            for member in path:
                value = value[member]
            values.append(value)
        assert values[0] == values[1], path


def test_they_go_on(anyone: Command, bundle: Path, name: str) -> None:
    if anyone.name == "crun":
        assert anyone("events", name).returncode != 0, "it has none"
        return
    assert anyone.quietly("run", "-d", "-b", str(bundle), name) == 0
    line = anyone.line("events", "--interval", "100ms", name)
    with subprocess.Popen(line, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as events:
        assert events.stdout
        first = [json.loads(events.stdout.readline()) for _ in range(2)]
        assert {event["type"] for event in first} == {"stats"}
        pids = anyone("ps", "--format", "json", name)
        assert len(json.loads(pids.stdout)) == 2
        anyone("exec", name, "sh", "-c", "dd if=/dev/zero of=/dev/null bs=96M count=1; true")
        # What has been written meanwhile comes first; where it never comes, the test's time is over.
        while json.loads(events.stdout.readline())["type"] != "oom":
            pass
        assert anyone("delete", "--force", name).returncode == 0
        if anyone.name == "pyrunc":
            assert events.wait(10) == 0
        else:
            events.kill()


@pytest.mark.parametrize("interval", ["0s", "5", "x", "-1s"])
def test_bad_intervals(pyrunc: Command, runc: Command, name: str, bundle: Path, interval: str) -> None:
    for command in (pyrunc, runc):
        assert command.quietly("create", "-b", str(bundle), name) == 0
        assert command("events", f"--interval={interval}", name).returncode == 1
        assert command("delete", "-f", name).returncode == 0


def test_not_of_a_stopped_one(pyrunc: Command, runc: Command, make_bundle: MakeBundle, name: str) -> None:
    for command in (pyrunc, runc):
        assert command.quietly("run", "-d", "-b", str(make_bundle("sleep", "60")), name) == 0
        assert command("kill", name, "KILL").returncode == 0
        while command.state(name)["status"] != "stopped":
            pass
        assert command("events", "--stats", name).returncode == 1
        assert command("delete", name).returncode == 0
