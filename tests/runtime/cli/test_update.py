"""``update`` of pyrunc and of runc: the same flags on the same container leave the same limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pyrunc.facts import Facts
from tests.runtime.cli.conftest import Command, MakeBundle

pytestmark = pytest.mark.peer

# Not cpu.weight: shares of 1024 become the kernel's default of 100 as runc 1.3.2 has it; Debian 12's runc 1.1 makes them 39.
FILES = (
    *("cpu/cpu.shares", "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us", "cpuset/cpuset.cpus", "cpuset/cpuset.mems"),
    *("memory/memory.limit_in_bytes", "memory/memory.memsw.limit_in_bytes", "memory/memory.soft_limit_in_bytes"),
    *("pids/pids.max", "cpu.max", "cpuset.cpus", "cpuset.mems", "memory.max", "memory.swap.max"),
    *("memory.low", "pids.max", "io.weight", "blkio/blkio.bfq.weight"),
)


def limits(pid: int) -> dict[str, str]:
    found: dict[str, str] = {}
    places = dict(line.split(":")[1:] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines())
    for hierarchy in Facts.probe().hierarchies:
        for controller in hierarchy.controllers if not hierarchy.is_v2 else ("",):
            directory = Path(f"{hierarchy.mountpoint}{places[hierarchy.name]}")
            for name in FILES:
                if name.rpartition("/")[0] == controller and (file := directory / name.rpartition("/")[2]).exists():
                    found[name] = file.read_text().strip()
    return found


@pytest.fixture
def bundle(make_bundle: MakeBundle) -> Path:
    made = make_bundle("sleep", "60")
    document = json.loads((made / "config.json").read_text())
    document["linux"]["resources"] |= {
        "memory": {"limit": 64 << 20, "swap": 64 << 20},
        "cpu": {"quota": 50_000, "period": 100_000, "shares": 512},
        "pids": {"limit": 17},
    }
    (made / "config.json").write_text(json.dumps(document))
    return made


@pytest.mark.parametrize(
    "flags",
    [
        "--memory 32m --memory-swap 48m",
        "--memory 96M --memory-swap 128MiB --memory-reservation 33554432",
        "--memory -1 --memory-swap -1",
        "--cpu-quota 20000",
        "--cpu-period 50000",
        "--cpu-quota 20000 --cpu-period 200000 --cpu-share 200",
        "--cpu-quota -1",
        "--cpuset-cpus 0 --cpuset-mems 0",
        "--pids-limit 30",
        "--pids-limit -1",
        "--pids-limit=5 --memory=33554432",
        "",
    ],
)
def test_the_same_limits(pyrunc: Command, runc: Command, bundle: Path, name: str, flags: str) -> None:
    found = []
    for command in (pyrunc, runc):
        assert command.quietly("run", "-d", "-b", str(bundle), name) == 0
        done = command("update", *flags.split(), name)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        found.append(limits(command.state(name)["pid"]))
        assert command("delete", "-f", name).returncode == 0
    assert found[0] == found[1]
    assert len(found[0]) > 5


DOCUMENT: dict[str, Any] = {
    "memory": {"limit": 32 << 20, "reservation": 16 << 20, "swap": 40 << 20},
    "cpu": {"shares": 100, "quota": 30_000, "period": 60_000, "cpus": "0", "mems": "0"},
    "pids": {"limit": 9},
}


@pytest.mark.parametrize("stdin", [True, False])
def test_from_a_file_and_from_standard_input(
    pyrunc: Command, runc: Command, bundle: Path, name: str, stdin: bool, tmp_path: Path
) -> None:
    (tmp_path / "resources.json").write_text(json.dumps(DOCUMENT))
    source = "-" if stdin else str(tmp_path / "resources.json")
    found = []
    for command in (pyrunc, runc):
        assert command.quietly("run", "-d", "-b", str(bundle), name) == 0
        done = command("update", "--memory", "1", "-r", source, name, stdin=json.dumps(DOCUMENT))
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        found.append(limits(command.state(name)["pid"]))
        assert command("delete", "-f", name).returncode == 0
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--memory", "64x"), "argument --memory: expected a number of bytes such as 64m, got '64x'"),
        (("--memory", "-5"), "argument --memory: expected a number of bytes such as 64m, got '-5'"),
        (("--cpu-period", "x"), "argument --cpu-period"),
        (("--blkio-weight", "5"), "linux.resources.blockIO.weight: 5 is not between 10 and 1000"),
        (("--l3-cache-schema", "L3:0=f"), "linux.intelRdt: the container was made without it"),
        (("--mem-bw-schema", "L3:0=f"), "--mem-bw-schema: expected one line that starts with MB:"),
        (("--resources", "/nosuch"), "No such file"),
    ],
)
def test_bad_arguments(
    pyrunc: Command, runc: Command, bundle: Path, name: str, arguments: tuple[str, ...], told: str
) -> None:
    for command in (pyrunc, runc):
        assert command.quietly("run", "-d", "-b", str(bundle), name) == 0
        before = limits(command.state(name)["pid"])
        done = command("update", *arguments, name)
        if "--blkio-weight" not in arguments or command.name == "pyrunc":  # runc writes what the specification forbids
            assert limits(command.state(name)["pid"]) == before
            assert done.returncode == 1
        assert told in done.stderr or command.name == "runc"
        assert command("delete", "-f", name).returncode == 0


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ('{"memory": {"limit": "1g"}}', 'linux.resources.memory.limit: expected an integer, got \\"1g\\"'),
        ("{", "linux.resources: standard input is not JSON"),
        ("[]", "linux.resources: expected an object"),
    ],
)
def test_bad_documents(pyrunc: Command, bundle: Path, name: str, document: str, told: str) -> None:
    assert pyrunc.quietly("create", "-b", str(bundle), name) == 0
    done = pyrunc("update", "--resources", "-", name, stdin=document)
    assert done.returncode == 1
    assert told in done.stderr


def test_kernel_memory_is_taken_and_told_of(anyone: Command, bundle: Path, name: str) -> None:
    assert anyone.quietly("create", "-b", str(bundle), name) == 0
    done = anyone("update", "--kernel-memory", "100m", name)
    if anyone.name != "crun":
        assert done.returncode == 0
    if anyone.name == "pyrunc":
        assert "no effect" in done.stderr
