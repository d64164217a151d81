"""What is wrong with machines, and what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyctl.app.doctor import CHECKS, FAILURE, OK, WARNING, space
from tests.support.daemon import Daemon

GOOD = {
    "proc/sys/kernel/osrelease": "6.1.0-13-amd64\n",
    "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory hugetlb pids\n",
    "proc/filesystems": "nodev\tproc\n\text4\nnodev\toverlay\n",
    "proc/sys/user/max_user_namespaces": "15000\n",
    "usr/lib/x86_64-linux-gnu/libnftables.so.1": "",
    "proc/sys/net/ipv4/ip_forward": "1\n",
}
LEGACY = {f"sys/fs/cgroup/{name}/cgroup.procs": "" for name in ("cpu,cpuacct", "memory", "pids")}


def states(root: Path, files: dict[str, str]) -> dict[str, str]:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    findings = [check(root) for check in CHECKS]
    assert all(bool(finding.advice) is (finding.state != OK) for finding in findings)
    return {finding.subject: finding.state for finding in findings}


def test_a_machine_that_is_well(tmp_path: Path) -> None:
    assert set(states(tmp_path, GOOD).values()) == {OK}


def test_cgroups_of_version_1(tmp_path: Path) -> None:
    without = {name: text for name, text in GOOD.items() if "cgroup" not in name}
    assert set(states(tmp_path, without | LEGACY).values()) == {OK}


@pytest.mark.parametrize(
    ("file", "text", "subject", "state"),
    [
        ("proc/sys/kernel/osrelease", "4.19.0", "kernel", FAILURE),
        ("proc/sys/kernel/osrelease", "5.9.16", "kernel", FAILURE),
        ("sys/fs/cgroup/cgroup.controllers", "cpu pids", "cgroups", WARNING),
        ("sys/fs/cgroup/cgroup.controllers", "", "cgroups", FAILURE),
        ("proc/filesystems", "nodev\toverlayish\n", "storage", WARNING),
        ("proc/sys/user/max_user_namespaces", "0", "user namespaces", WARNING),
        ("proc/sys/net/ipv4/ip_forward", "0", "nftables", WARNING),
    ],
)
def test_what_is_wrong(tmp_path: Path, file: str, text: str, subject: str, state: str) -> None:
    found = states(tmp_path, GOOD | {file: text})
    assert found.pop(subject) == state
    assert set(found.values()) == {OK}


def test_room(tmp_path: Path) -> None:
    assert (space(tmp_path, 1 << 20).state, space(tmp_path, 1 << 40).state) == (WARNING, OK)


def test_this_machine(shared_daemon: Daemon, tmp_path: Path) -> None:
    done = shared_daemon.pyctl("doctor")
    assert done.returncode == 0, done.stdout
    assert "ok       daemon" in done.stdout
    assert "pydockerd" in done.stdout
    nobody = shared_daemon.pyctl("-H", f"unix://{tmp_path}/nobody.sock", "doctor")
    assert nobody.returncode == 1
    assert "failure  daemon" in nobody.stdout
