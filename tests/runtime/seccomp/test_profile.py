"""Docker's profile format: which rules hold for which machine, kernel and capabilities."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pyrunc.capabilities import NAMES
from pyrunc.errors import SpecError
from pyrunc.seccomp import default_profile, from_docker_profile
from pyrunc.spec import Seccomp

DOCKER = Path(__file__).parents[1] / "spec" / "docker-20.10.json"
DOCKER_CAPABILITIES = json.loads(DOCKER.read_bytes())["process"]["capabilities"]["bounding"]


def resolved(*rules: dict[str, Any], machine: str = "x86_64", caps: tuple[str, ...] = (), **members: Any) -> Seccomp:
    syscalls = [{"names": [f"call{index}"], "action": "SCMP_ACT_ALLOW", **rule} for index, rule in enumerate(rules)]
    return from_docker_profile(
        {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": syscalls, **members}, caps, machine, (5, 10)
    )


def allowed(seccomp: Seccomp) -> set[str]:
    return {name for rule in seccomp.syscalls for name in rule.names}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({}, True),
        ({"includes": {"arches": ["amd64", "x32"]}}, True),
        ({"includes": {"arches": ["arm64"]}}, False),
        ({"excludes": {"arches": ["amd64"]}}, False),
        ({"excludes": {"arches": ["s390x"]}}, True),
        ({"includes": {"caps": ["CAP_KILL"]}}, True),
        ({"includes": {"caps": ["CAP_KILL", "CAP_BPF"]}}, False),
        ({"excludes": {"caps": ["CAP_KILL"]}}, False),
        ({"excludes": {"caps": ["CAP_BPF"]}}, True),
        ({"includes": {"minKernel": "4.8"}}, True),
        ({"includes": {"minKernel": "5.10"}}, True),
        ({"includes": {"minKernel": "5.11"}}, False),
        ({"excludes": {"minKernel": "5.11"}}, True),
        ({"excludes": {"minKernel": "5.10"}}, False),
        ({"includes": {}, "excludes": {}, "comment": "x"}, True),
    ],
    ids=json.dumps,
)
def test_conditions(rule: dict[str, Any], holds: bool) -> None:
    assert allowed(resolved(rule, caps=("CAP_KILL",))) == ({"call0"} if holds else set())


def test_rules_keep_all_that_they_say() -> None:
    rule = {
        "names": ["personality"],
        "action": "SCMP_ACT_ERRNO",
        "errnoRet": 38,
        "args": [{"index": 0, "value": 8, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}],
    }
    found = resolved(rule, defaultErrnoRet=5, flags=["SECCOMP_FILTER_FLAG_LOG"])
    assert found.to_json() == {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 5,
        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "syscalls": [rule],
    }


def test_older_documents_have_one_name_a_rule() -> None:
    assert allowed(resolved({"names": [], "name": "clone"})) == {"clone"}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"syscalls": [{"names": ["a"], "name": "b", "action": "SCMP_ACT_ALLOW"}]},
            "seccomp.syscalls[0]: name and names",
        ),
        ({"syscalls": [{"action": "SCMP_ACT_ALLOW"}]}, "seccomp.syscalls[0].names: expected at least one system call"),
        ({"defaultAction": "ALLOW"}, "seccomp.defaultAction: expected one of"),
        (
            {"architectures": ["SCMP_ARCH_X86"], "archMap": [{"architecture": "SCMP_ARCH_X86_64"}]},
            "seccomp.archMap: architectures and archMap exclude each other",
        ),
        (
            {"syscalls": [{"names": ["a"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "new"}}]},
            'seccomp.syscalls[0].includes.minKernel: expected a kernel version such as 4.8, got "new"',
        ),
    ],
    ids=["name", "no name", "action", "architectures", "kernel"],
)
def test_refuses(members: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as raised:
        resolved(**members) if "syscalls" not in members else from_docker_profile(
            {"defaultAction": "SCMP_ACT_ERRNO", **members}, (), "x86_64", (6, 1)
        )
    assert str(raised.value).startswith(message)


def test_a_file_and_its_bytes_are_the_same(tmp_path: Path) -> None:
    data = json.dumps({"defaultAction": "SCMP_ACT_LOG"}).encode()
    (tmp_path / "profile.json").write_bytes(data)
    assert from_docker_profile(tmp_path / "profile.json", (), "x86_64", (6, 1)) == from_docker_profile(
        data, (), "x86_64", (6, 1)
    )
    with pytest.raises(SpecError, match="seccomp: cannot be read"):
        from_docker_profile(tmp_path / "none", (), "x86_64", (6, 1))
    with pytest.raises(SpecError, match="seccomp: is not JSON"):
        from_docker_profile(b"{", (), "x86_64", (6, 1))


def test_the_default_profile_has_what_docker_20_10_allowed() -> None:
    """What the real dockerd wrote into a config.json, on x86_64; calls that it knew and that docker withdrew since are named."""
    then = Seccomp.from_json(json.loads(DOCKER.read_bytes())["linux"]["seccomp"])
    now = default_profile(DOCKER_CAPABILITIES, "x86_64", (6, 1))
    unconditional = {
        name for rule in then.syscalls if rule.action == "SCMP_ACT_ALLOW" and not rule.args for name in rule.names
    }
    withdrawn = {"io_uring_enter", "io_uring_register", "io_uring_setup"}
    assert unconditional - allowed(now) <= withdrawn
    assert now.architectures == then.architectures
    assert now.default_action == then.default_action


@pytest.mark.parametrize(
    ("machine", "architectures"),
    [
        ("x86_64", ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32")),
        ("aarch64", ("SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM")),
        ("riscv64", ("SCMP_ARCH_RISCV64",)),
        ("vax", ()),
    ],
)
def test_the_default_profile_by_machine(machine: str, architectures: tuple[str, ...]) -> None:
    profile = default_profile((), machine, (6, 1))
    assert profile.architectures == architectures
    assert ("arch_prctl" in allowed(profile)) == (machine == "x86_64")


def test_capabilities_only_add() -> None:
    granted = allowed(default_profile(NAMES, "x86_64", (6, 1)))
    assert allowed(default_profile((), "x86_64", (6, 1))) - granted <= {"clone", "clone3"}
    assert {"mount", "bpf", "reboot", "init_module"} <= granted
