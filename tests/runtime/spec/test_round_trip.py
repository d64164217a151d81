"""to_json(from_json(x)) says what x says: for a real document, for the default, and for anything that the models allow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrunc import spec as models
from pyrunc.errors import SpecError
from pyrunc.spec import Section, Spec

DOCKER = Path(__file__).with_name("docker-20.10.json")

EVERY_FIELD: dict[str, Any] = {
    "ociVersion": "1.3.0",
    "hostname": "web",
    "domainname": "example.org",
    "annotations": {"org.example.key": "value"},
    "root": {"path": "/srv/root", "readonly": True},
    "process": {
        "cwd": "/srv",
        "terminal": True,
        "consoleSize": {"height": 25, "width": 80},
        "user": {"uid": 1, "gid": 2, "umask": 18, "additionalGids": [3, 4], "username": "me"},
        "args": ["sh"],
        "commandLine": "sh",
        "env": ["A=b"],
        "capabilities": {
            kind: ["CAP_KILL"] for kind in ("bounding", "effective", "inheritable", "permitted", "ambient")
        },
        "rlimits": [{"type": "RLIMIT_CORE", "hard": 2**64 - 1, "soft": 0}],
        "noNewPrivileges": True,
        "apparmorProfile": "p",
        "oomScoreAdj": 0,
        "selinuxLabel": "l",
        "scheduler": {
            "policy": "SCHED_DEADLINE",
            "nice": 1,
            "flags": ["SCHED_FLAG_RECLAIM"],
            "runtime": 3,
            "deadline": 4,
            "period": 5,
        },
        "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4},
        "execCPUAffinity": {"initial": "0-1", "final": "0"},
    },
    "mounts": [
        {
            "destination": "/data",
            "type": "bind",
            "source": "/srv/data",
            "options": ["rbind"],
            "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}],
            "gidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}],
        }
    ],
    "hooks": {
        point: [{"path": "/bin/true", "args": ["true"], "env": ["A=b"], "timeout": 5}]
        for point in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
    },
    "linux": {
        "namespaces": [{"type": kind} for kind in ("mount", "pid", "network", "uts", "ipc", "user", "cgroup", "time")],
        "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 9}],
        "gidMappings": [{"containerID": 0, "hostID": 1000, "size": 9}],
        "timeOffsets": {"monotonic": {"secs": -5, "nanosecs": 1}, "boottime": {"secs": 6}},
        "devices": [{"type": "c", "path": "/dev/x", "major": 1, "minor": 2, "fileMode": 438, "uid": 0, "gid": 0}],
        "netDevices": {"eth1": {"name": "eth0"}},
        "cgroupsPath": "/a/b",
        "resources": {
            "devices": [{"allow": False, "type": "c", "major": 1, "minor": 0, "access": "rwm"}],
            "memory": {
                "limit": 1,
                "reservation": 2,
                "swap": -1,
                "kernel": 3,
                "kernelTCP": 4,
                "swappiness": 0,
                "disableOOMKiller": False,
                "useHierarchy": True,
                "checkBeforeUpdate": True,
            },
            "cpu": {
                "shares": 0,
                "quota": -1,
                "burst": 1,
                "period": 2,
                "realtimeRuntime": 3,
                "realtimePeriod": 4,
                "cpus": "0-1",
                "mems": "0",
                "idle": 1,
            },
            "pids": {"limit": 0},
            "blockIO": {
                "weight": 10,
                "leafWeight": 20,
                "weightDevice": [{"major": 8, "minor": 0, "weight": 1, "leafWeight": 2}],
                **{
                    f"throttle{way}Device": [{"major": 8, "minor": 0, "rate": 0}]
                    for way in ("ReadBps", "WriteBps", "ReadIOPS", "WriteIOPS")
                },
            },
            "hugepageLimits": [{"pageSize": "2MB", "limit": 0}],
            "network": {"classID": 1, "priorities": [{"name": "lo", "priority": 0}]},
            "rdma": {"mlx5_1": {"hcaHandles": 1, "hcaObjects": 2}},
            "unified": {"memory.high": "1"},
        },
        "intelRdt": {
            "closID": "c",
            "schemata": ["L3:0=f"],
            "l3CacheSchema": "L3:0=f",
            "memBwSchema": "MB:0=20",
            "enableMonitoring": True,
            "enableCMT": True,
            "enableMBM": True,
        },
        "memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]},
        "sysctl": {"net.ipv4.ip_forward": "1"},
        "seccomp": {
            "defaultAction": "SCMP_ACT_ERRNO",
            "defaultErrnoRet": 1,
            "architectures": ["SCMP_ARCH_X86_64"],
            "flags": ["SECCOMP_FILTER_FLAG_LOG"],
            "listenerPath": "/run/s",
            "listenerMetadata": "m",
            "syscalls": [
                {
                    "names": ["mount"],
                    "action": "SCMP_ACT_NOTIFY",
                    "errnoRet": 2,
                    "args": [{"index": 0, "value": 2**64 - 1, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}],
                }
            ],
        },
        "rootfsPropagation": "slave",
        "maskedPaths": ["/proc/kcore"],
        "readonlyPaths": ["/proc/sys"],
        "mountLabel": "l",
        "personality": {"domain": "LINUX32", "flags": ["x"]},
    },
}


def said(value: Any) -> Any:
    """Without what says nothing: null, false and empty members. Zeros stay: a limit of 0 is not the absence of one."""
    if isinstance(value, dict):
        members = {key: said(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member not in (None, False, "", [], {})}
    return [said(item) for item in value] if isinstance(value, list) else value


def test_every_field_survives() -> None:
    assert Spec.load(EVERY_FIELD).to_json() == EVERY_FIELD


def test_a_priority_survives_where_there_may_be_one() -> None:
    scheduler = {"policy": "SCHED_RR", "priority": 2}
    document = {**EVERY_FIELD, "process": {**EVERY_FIELD["process"], "scheduler": scheduler}}
    assert Spec.load(document).to_json() == document


def test_a_document_of_docker_survives() -> None:
    document = json.loads(DOCKER.read_bytes())
    assert said(Spec.load(document).to_json()) == said(document)


def test_the_default_survives() -> None:
    assert Spec.load(Spec.default().to_json()) == Spec.default()


def test_unknown_members_survive_at_every_depth() -> None:
    document = json.loads(json.dumps(EVERY_FIELD))

    def mark(value: Any) -> None:
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            mark(item)
        if isinstance(value, dict) and not set(value) & {
            "org.example.key",
            "eth1",
            "mlx5_1",
            "memory.high",
            "net.ipv4.ip_forward",
        }:
            value["x-new"] = {"of": ["a later", "version"]}

    mark(document)
    assert json.dumps(document).count("x-new") > 40
    assert Spec.load(document).to_json() == document


def test_every_kind_of_section_is_exported() -> None:
    spec = Spec.load(EVERY_FIELD)
    seen: set[type[Section]] = set()

    def walk(value: object) -> None:
        if isinstance(value, Section):
            seen.add(type(value))
            for attribute in attrs.fields(type(value)):
                walk(getattr(value, attribute.name))
        elif isinstance(value, Mapping | tuple):
            for item in value.values() if isinstance(value, Mapping) else value:
                walk(item)

    walk(spec)
    assert {kind.__name__ for kind in seen} <= set(models.__all__)
    assert all(isinstance(getattr(models, name), type) for name in models.__all__ if name != "OCI_VERSION")


def test_sections_are_values() -> None:
    one, other = Spec.load(EVERY_FIELD), Spec.load(EVERY_FIELD)
    assert one == other
    assert hash(one) == hash(other)
    assert one != attrs.evolve(other, hostname="db")
    assert one != object()
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        one.hostname = "db"  # type: ignore[misc]


def test_repr_tells_only_what_is_set() -> None:
    assert repr(models.Root(path="/r")) == "Root(path='/r')"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_damage_is_either_refused_or_kept(data: st.DataObject) -> None:
    document = json.loads(json.dumps(EVERY_FIELD))
    places: list[tuple[Any, Any]] = []

    def collect(value: Any) -> None:
        for key, item in list(value.items()) if isinstance(value, dict) else list(enumerate(value)):
            places.append((value, key))
            if isinstance(item, dict | list):
                collect(item)

    collect(document)
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(JSON)
    try:
        spec = Spec.load(document)
    except SpecError:
        return
    assert Spec.load(spec.to_json()) == spec
    assert said(spec.to_json()) == said(document)
