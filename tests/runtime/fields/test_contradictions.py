"""Configurations whose parts do not go together: refused with the place and the rule, before anything is done."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pyrunc import Runtime, Spec, SpecError, Stdio
from tests.runtime.conftest import Bundle

MAP = [{"containerID": 0, "hostID": 100000, "size": 1000}]
USER = {
    "linux.namespaces": [{"type": "mount"}, {"type": "uts"}, {"type": "user"}],
    "linux.uidMappings": MAP,
    "linux.gidMappings": MAP,
}

CHANGES: list[tuple[dict[str, Any], str]] = [
    ({**USER, "process.user.uid": 1000}, "process.user.uid: expected an id that linux.uidMappings maps, got 1000"),
    ({**USER, "process.user.gid": 5000}, "process.user.gid: expected an id that linux.gidMappings maps, got 5000"),
    (
        {**USER, "process.user.additionalGids": [5, 2000]},
        "process.user.additionalGids[1]: expected an id that linux.gidMappings maps, got 2000",
    ),
    ({**USER, "linux.uidMappings": []}, "linux.uidMappings: is required, because linux.namespaces has a new user"),
    (
        {**USER, "linux.uidMappings": [*MAP, {"containerID": 999, "hostID": 0, "size": 1}]},
        "linux.uidMappings: 999 is mapped twice: its ranges overlap",
    ),
    (
        {**USER, "linux.gidMappings": [*MAP, {"containerID": 2000, "hostID": 100999, "size": 1}]},
        "linux.gidMappings: 100999 is mapped twice",
    ),
    (
        {**USER, "linux.uidMappings": [{"containerID": 0, "hostID": 2**32 - 1, "size": 2}]},
        "linux.uidMappings[0].size: expected a range that ends below 2**32",
    ),
    ({"linux.uidMappings": MAP}, "linux.uidMappings: needs a user namespace in linux.namespaces"),
    ({"linux.namespaces": [{"type": "mount"}]}, "hostname: needs a uts namespace in linux.namespaces"),
    ({"linux.namespaces": [{"type": "mount"}] * 2}, "hostname: needs a uts namespace"),
    (
        {"linux.namespaces": [{"type": "uts"}, {"type": "mount"}, {"type": "mount"}]},
        "linux.namespaces[2].type: mount is there twice",
    ),
    ({"hostname": "x" * 65}, 'hostname: expected at most 64 bytes, got "xxx'),
    ({"linux.timeOffsets": {"boottime": {"secs": 1}}}, "linux.timeOffsets: needs a new time namespace"),
    (
        {"linux.netDevices": {"eth9": {}}, "linux.namespaces": [{"type": "mount"}, {"type": "uts"}]},
        "linux.netDevices: needs",
    ),
    (
        {"process.scheduler": {"policy": "SCHED_OTHER", "nice": 20}},
        "process.scheduler.nice: expected an integer from -20",
    ),
    ({"process.scheduler": {"policy": "SCHED_FIFO"}}, "process.scheduler.priority: expected an integer from 1 to 99"),
    (
        {"process.scheduler": {"policy": "SCHED_BATCH", "priority": 1}},
        "process.scheduler.priority: expected nothing: SCHED_BATCH has no priority",
    ),
    (
        {"process.scheduler": {"policy": "SCHED_RR", "priority": 1, "runtime": 5}},
        "process.scheduler.runtime: expected nothing: it is for SCHED_DEADLINE",
    ),
    (
        {"process.scheduler": {"policy": "SCHED_DEADLINE", "runtime": 5, "deadline": 4}},
        "process.scheduler: SCHED_DEADLINE needs runtime <= deadline <= period",
    ),
    (
        {
            "linux.memoryPolicy": {
                "mode": "MPOL_BIND",
                "nodes": "0",
                "flags": ["MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"],
            }
        },
        "linux.memoryPolicy.flags: MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES exclude each other",
    ),
    (
        {"linux.seccomp": {"defaultAction": "SCMP_ACT_NOTIFY", "listenerPath": "/run/x"}},
        "linux.seccomp.defaultAction: must not be SCMP_ACT_NOTIFY",
    ),
    (
        {"linux.seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/x"}},
        "linux.seccomp.listenerPath: is for SCMP_ACT_NOTIFY, which no action is",
    ),
]


@pytest.mark.parametrize(("changes", "said"), CHANGES, ids=[said[:60] for _, said in CHANGES])
def test_it_is_refused(runtime: Runtime, bundle: Bundle, changes: dict[str, Any], said: str) -> None:
    document: dict[str, Any] = copy.deepcopy(bundle.spec("true").to_json())
    for place, value in changes.items():
        *above, name = place.split(".")
        section = document
        for key in above:
            section = section.setdefault(key, {})
        section[name] = value
    with pytest.raises(SpecError) as caught:
        Spec.load(document)
    assert str(caught.value).startswith(said)
    with pytest.raises(SpecError):
        runtime.create("web", bundle.write(Spec.from_json(document)), stdio=Stdio.null())
    assert runtime.ids() == []


def test_what_only_looks_like_one_is_accepted(bundle: Bundle) -> None:
    """Two mounts on one place, an id outside of the maps of a namespace that is joined: neither is anybody's mistake."""
    document: dict[str, Any] = bundle.spec("true").to_json()
    document["mounts"] += document["mounts"]
    document["linux"]["namespaces"].append({"type": "user", "path": "/proc/1/ns/user"})
    document["process"]["user"] = {"uid": 4_000_000, "gid": 4_000_000}
    Spec.load(document)
