"""Spec.load: what is refused, and that the message names the place and the rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pyrunc.errors import SpecError
from pyrunc.spec import Spec

DOCKER = Path(__file__).with_name("docker-20.10.json")


def document(**members: Any) -> dict[str, Any]:
    """A small config.json that is right, with some members replaced."""
    return {
        "ociVersion": "1.0.2",
        "process": {"cwd": "/", "args": ["sh"], "user": {"uid": 0, "gid": 0}},
        "root": {"path": "rootfs"},
        "linux": {"namespaces": [{"type": "mount"}]},
        **members,
    }


def linux(**members: Any) -> dict[str, Any]:
    return document(linux={"namespaces": [{"type": "mount"}], **members})


def process(**members: Any) -> dict[str, Any]:
    return document(process={"cwd": "/", "args": ["sh"], **members})


SECCOMP = {"defaultAction": "SCMP_ACT_ALLOW"}
NOTIFY = {"action": "SCMP_ACT_NOTIFY"}
ONE_TO_ONE = [{"containerID": 0, "hostID": 0, "size": 1}]

REFUSED = [
    ({}, "ociVersion: is required"),
    (document(ociVersion="2.0.0"), 'ociVersion: expected a 1.x version of the runtime-spec, got "2.0.0"'),
    (document(ociVersion="1.0"), 'ociVersion: expected a version such as "1.3.0", got "1.0"'),
    (document(root=None), "root: is required"),
    (document(root={"path": ""}), 'root.path: expected a path, got ""'),
    (document(root={"path": "r", "readonly": "yes"}), 'root.readonly: expected true or false, got "yes"'),
    (document(root={"path": "a\0b"}), 'root.path: expected a string without NUL, got "a\\u0000b"'),
    (document(mounts={}), "mounts: expected an array, got {}"),
    (document(mounts=[{"type": "tmpfs"}]), "mounts[0].destination: is required"),
    (document(mounts=[{"destination": "/x"}]), "mounts[0].type: is required, as this is not a bind mount"),
    (document(mounts=[{"destination": "/x", "type": "bind"}]), "mounts[0].source: is required for a bind mount"),
    (
        document(mounts=[{"destination": "/x", "type": "tmpfs", "options": ["ro", 5]}]),
        "mounts[0].options[1]: expected a string, got 5",
    ),
    (
        document(mounts=[{"destination": "/x", "type": "bind", "source": "/", "uidMappings": ONE_TO_ONE}]),
        "mounts[0]: uidMappings and gidMappings go together: an idmapped mount maps both",
    ),
    (
        document(mounts=[{"destination": "/x", "type": "tmpfs", "uidMappings": ONE_TO_ONE, "gidMappings": ONE_TO_ONE}]),
        "mounts[0].uidMappings: only a bind mount can be idmapped",
    ),
    (
        document(hostname="web"),
        "hostname: needs a uts namespace in linux.namespaces: without one it would rename the host",
    ),
    (document(annotations={"": "x"}), "annotations: a key must not be empty"),
    (document(annotations={"a": 1}), "annotations.a: expected a string, got 1"),
    (document(hooks={"poststop": [{"path": "x"}]}), 'hooks.poststop[0].path: expected an absolute path, got "x"'),
    (
        document(hooks={"poststop": [{"path": "/x", "timeout": 0}]}),
        "hooks.poststop[0].timeout: expected an integer from 1 to 2147483647, got 0",
    ),
    (process(args=[]), "process.args: at least the program's name is required"),
    (process(cwd="srv"), 'process.cwd: expected an absolute path, got "srv"'),
    (process(user={"uid": -1}), "process.user.uid: expected an integer from 0 to 4294967295, got -1"),
    (process(user={"uid": True}), "process.user.uid: expected an integer, got true"),
    (process(user={"uid": 1.0}), "process.user.uid: expected an integer, got 1.0"),
    (process(user={"umask": 0o1000}), "process.user.umask: expected permission bits, at most 511 (0777), got 512"),
    (
        process(rlimits=[{"type": "RLIMIT_CPU", "soft": 2, "hard": 1}]),
        "process.rlimits[0].soft: expected at most the hard limit, 1, got 2",
    ),
    (
        process(rlimits=[{"type": "RLIMIT_CPU", "soft": 1, "hard": 1}] * 2),
        "process.rlimits[1].type: RLIMIT_CPU is there twice",
    ),
    (
        process(ioPriority={"class": "IOPRIO_CLASS_NONE"}),
        'process.ioPriority.class: expected one of IOPRIO_CLASS_RT, IOPRIO_CLASS_BE, IOPRIO_CLASS_IDLE, got "IOPRIO_CLASS_NONE"',
    ),
    (process(consoleSize={"height": 1}), "process.consoleSize.width: is required"),
    (
        linux(resources={"memory": {"limit": "1g"}}),
        'linux.resources.memory.limit: expected an integer, got "1g"',
    ),
    (
        linux(resources={"memory": {"limit": 2**63}}),
        f"linux.resources.memory.limit: expected an integer from {-(2**63)} to {2**63 - 1}, got {2**63}",
    ),
    (
        linux(resources={"hugepageLimits": [{"pageSize": "2M", "limit": 1}]}),
        'linux.resources.hugepageLimits[0].pageSize: expected a page size such as 2MB, got "2M"',
    ),
    (
        linux(resources={"rdma": {"mlx5": {"hcaHandles": -1}}}),
        "linux.resources.rdma.mlx5.hcaHandles: expected an integer from 0 to 4294967295, got -1",
    ),
    (linux(namespaces=[{"type": "pid"}] * 2), "linux.namespaces[1].type: pid is there twice"),
    (linux(namespaces=[{"type": "net"}]), "linux.namespaces[0].type: expected one of"),
    (
        linux(namespaces=[{"type": "network", "path": "x"}]),
        'linux.namespaces[0].path: expected an absolute path, got "x"',
    ),
    (linux(uidMappings=ONE_TO_ONE), "linux.uidMappings: needs a user namespace in linux.namespaces"),
    (
        linux(namespaces=[{"type": "user"}], uidMappings=ONE_TO_ONE),
        "linux.gidMappings: is required, because linux.namespaces has a new user namespace",
    ),
    (
        linux(namespaces=[{"type": "user"}], uidMappings=[{"containerID": 0, "hostID": 0, "size": 0}]),
        "linux.uidMappings[0].size: expected at least 1, got 0",
    ),
    (
        linux(timeOffsets={"monotonic": {"secs": 1}}),
        "linux.timeOffsets: needs a new time namespace in linux.namespaces",
    ),
    (linux(maskedPaths=["proc/kcore"]), 'linux.maskedPaths[0]: expected an absolute path, got "proc/kcore"'),
    (linux(readonlyPaths=["/a", "b"]), 'linux.readonlyPaths[1]: expected an absolute path, got "b"'),
    (linux(devices=[{"type": "x", "path": "/dev/x"}]), 'linux.devices[0].type: expected one of c, b, u, p, got "x"'),
    (
        linux(devices=[{"type": "c", "path": "/dev/x", "major": -1}]),
        "linux.devices[0].major: expected a device number from 0 to 4095, got -1",
    ),
    (linux(netDevices={"eth0": {}}), "linux.netDevices: needs a network namespace in linux.namespaces"),
    (linux(intelRdt={"closID": "a/b"}), "linux.intelRdt.closID: expected a name without / or newline"),
    (linux(rootfsPropagation="public"), "linux.rootfsPropagation: expected one of"),
    (linux(seccomp={}), "linux.seccomp.defaultAction: is required"),
    (
        linux(seccomp={**SECCOMP, "syscalls": [{"names": [], "action": "SCMP_ACT_ERRNO"}]}),
        "linux.seccomp.syscalls[0].names: expected at least one system call, got []",
    ),
    (
        linux(seccomp={**SECCOMP, "syscalls": [{"names": ["mount"], **NOTIFY}]}),
        "linux.seccomp.listenerPath: is required, because an action is SCMP_ACT_NOTIFY",
    ),
    (
        linux(seccomp={**SECCOMP, "listenerPath": "/s", "syscalls": [{"names": ["write"], **NOTIFY}]}),
        "linux.seccomp.syscalls[0]: SCMP_ACT_NOTIFY cannot be used for the system call write",
    ),
]


@pytest.mark.parametrize(("broken", "message"), REFUSED, ids=[message.split(":")[0] for _, message in REFUSED])
def test_refuses(broken: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as raised:
        Spec.load(broken)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "config.json: is not JSON: "),
        (b'{"ociVersion": NaN}', "config.json: is not JSON: NaN is not a JSON value"),
        (b"\xff\xfe\xfa", "config.json: is not JSON: "),
        (b"[]", "config.json: expected an object, got []"),
        (b"[" * 200_000, "config.json: is nested too deeply"),
        (b'{"ociVersion": "\\ud800"}', "ociVersion: expected a string of valid Unicode"),
    ],
    ids=["cut off", "NaN", "bytes", "array", "deep", "surrogate"],
)
def test_refuses_what_is_no_document(data: bytes, message: str) -> None:
    with pytest.raises(SpecError) as raised:
        Spec.load(data)
    assert str(raised.value).startswith(message)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"config\.json: cannot be read: .*No such file.*nowhere"):
        Spec.load(tmp_path / "nowhere")


def test_long_values_are_shortened() -> None:
    with pytest.raises(SpecError) as raised:
        Spec.load(document(root="x" * 1000))
    assert len(str(raised.value)) < 120


@pytest.mark.parametrize("version", ["1.0.0", "1.0.2-dev", "1.1.0+more", "1.3.0", "1.99.0"])
def test_every_1_x_is_accepted(version: str) -> None:
    assert Spec.load(document(ociVersion=version)).oci_version == version


def test_a_file_bytes_and_a_mapping_are_the_same() -> None:
    data = DOCKER.read_bytes()
    assert Spec.load(DOCKER) == Spec.load(data) == Spec.load(json.loads(data)) == Spec.load(str(DOCKER))


def test_rare_sections_are_typed_too() -> None:
    from pyrunc.spec import BlockIo, ThrottleDevice

    throttle = {"major": 8, "minor": 0, "rate": 1024}
    spec = Spec.load(linux(resources={"blockIO": {"weight": 100, "throttleReadIOPSDevice": [throttle]}}))
    assert spec.linux is not None
    assert spec.linux.resources is not None
    assert spec.linux.resources.block_io == BlockIo(
        weight=100, throttle_read_iops_device=(ThrottleDevice(major=8, minor=0, rate=1024),)
    )


def test_null_is_absent() -> None:
    assert Spec.load(document(hooks=None, mounts=None)) == Spec.load(document())
