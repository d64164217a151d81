"""The Spec that comes of a configuration is the one that dockerd would write, and pyrunc accepts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from pycontainerd.containers.config import BindMount, ContainerConfig, Device, ExecConfig, Resources, TmpfsMount, Ulimit
from pycontainerd.errors import InvalidConfig
from pycontainerd.oci import capabilities, namespaces
from pycontainerd.oci.build import Surroundings, build, exec_process
from pycontainerd.oci.devices import host_devices
from pycontainerd.oci.etc_files import contents
from pycontainerd.oci.users import Account
from pyrunc.capabilities import NAMES
from pyrunc.spec import Spec

AROUND = Surroundings(
    hostname="box",
    account=Account(0, 0, (0, 10), "/root"),
    cgroups_path="/pycontainerd/id",
    capabilities=NAMES,
    etc_files={name: Path("/run/c") / name for name in ("hostname", "hosts", "resolv.conf")},
)
PLAIN = ContainerConfig(image="x", args=("true",))


def spec_of(config: ContainerConfig, around: Surroundings = AROUND) -> dict[str, object]:
    """What config.json would have, after the runtime has checked it."""
    document = json.loads(json.dumps(build(config, around).to_json()))
    Spec.load(document)
    return document  # type: ignore[no-any-return]


def linux(config: ContainerConfig, around: Surroundings = AROUND) -> dict[str, object]:
    return spec_of(config, around)["linux"]  # type: ignore[return-value]


def process(config: ContainerConfig, around: Surroundings = AROUND) -> dict[str, object]:
    return spec_of(config, around)["process"]  # type: ignore[return-value]


def test_the_defaults_are_dockers() -> None:
    spec = spec_of(PLAIN)
    assert [mount["destination"] for mount in spec["mounts"]] == [  # type: ignore[attr-defined]
        *("/proc", "/dev", "/dev/pts", "/sys", "/sys/fs/cgroup", "/dev/mqueue", "/dev/shm"),
        *("/etc/hostname", "/etc/hosts", "/etc/resolv.conf"),
    ]
    found = linux(PLAIN)
    assert {n["type"] for n in found["namespaces"]} == {"mount", "uts", "ipc", "pid", "network", "cgroup"}  # type: ignore[attr-defined]
    assert "/proc/kcore" in found["maskedPaths"]  # type: ignore[operator]
    assert "/proc/sys" in found["readonlyPaths"]  # type: ignore[operator]
    assert found["seccomp"]["defaultAction"] == "SCMP_ACT_ERRNO"  # type: ignore[index]
    assert found["resources"]["devices"][0] == {"allow": False, "access": "rwm"}  # type: ignore[index]
    assert len(process(PLAIN)["capabilities"]["bounding"]) == 14  # type: ignore[index]
    assert "ambient" not in process(PLAIN)["capabilities"]  # type: ignore[operator]
    assert process(PLAIN)["user"] == {"uid": 0, "gid": 0, "additionalGids": [0, 10]}
    assert process(PLAIN)["env"] == [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOSTNAME=box",
        "HOME=/root",
    ]


def test_privileged_has_everything() -> None:
    config = evolve(PLAIN, privileged=True)
    found = linux(config)
    assert "seccomp" not in found
    assert "maskedPaths" not in found
    assert found["resources"]["devices"] == [{"allow": True, "access": "rwm"}]  # type: ignore[index]
    assert len(process(config)["capabilities"]["effective"]) == len(NAMES)  # type: ignore[index]
    assert {device.path for device in host_devices(config)} >= {"/dev/null", "/dev/zero"}


@pytest.mark.parametrize(
    ("add", "drop", "has", "has_not"),
    [
        (("NET_ADMIN",), (), {"CAP_NET_ADMIN", "CAP_CHOWN"}, {"CAP_SYS_ADMIN"}),
        (("all",), ("mknod",), {"CAP_SYS_ADMIN"}, {"CAP_MKNOD"}),
        (("CAP_SYS_TIME",), ("ALL",), {"CAP_SYS_TIME"}, {"CAP_CHOWN"}),
        ((), ("ALL",), set(), set(NAMES)),
    ],
)
def test_capabilities(add: tuple[str, ...], drop: tuple[str, ...], has: set[str], has_not: set[str]) -> None:
    found = set(capabilities.effective(add=add, drop=drop, privileged=False, available=NAMES))
    assert has <= found
    assert not has_not & found


def test_nobody_gives_what_he_has_not() -> None:
    assert capabilities.effective(add=("ALL",), drop=(), privileged=True, available=("CAP_KILL",)) == ("CAP_KILL",)
    assert "CAP_KILL" in capabilities.available()


def test_limits_become_the_kernels() -> None:
    resources = Resources(memory=64 << 20, nano_cpus=1_500_000_000, pids_limit=7, cpu_shares=512, cpuset_cpus="0")
    found = linux(evolve(PLAIN, resources=resources))["resources"]
    assert found["memory"] == {"limit": 64 << 20, "swap": 128 << 20}  # type: ignore[index]
    assert found["cpu"] == {"quota": 150_000, "period": 100_000, "shares": 512, "cpus": "0"}  # type: ignore[index]
    assert found["pids"] == {"limit": 7}  # type: ignore[index]


def test_mounts_replace_defaults_and_are_ordered() -> None:
    config = evolve(
        PLAIN,
        mounts=(
            BindMount(source="/srv", target="/data/deep/er", options=("ro", "z")),
            TmpfsMount(target="/data", options=("size=1m", "exec")),
            BindMount(source="/srv/shm", target="/dev/shm"),
            BindMount(source="/srv/hosts", target="/etc/hosts/"),
        ),
    )
    mounts = {mount["destination"]: mount for mount in spec_of(config)["mounts"]}  # type: ignore[attr-defined]
    targets = list(mounts)
    assert targets.index("/data") < targets.index("/data/deep/er")
    assert mounts["/dev/shm"]["source"] == "/srv/shm"
    assert mounts["/etc/hosts"]["source"] == "/srv/hosts"
    assert mounts["/data"]["options"] == ["nosuid", "nodev", "size=1m", "exec"]
    assert mounts["/data/deep/er"]["options"] == ["rbind", "ro", "rprivate"]


def test_namespaces_are_shared_by_pid() -> None:
    config = evolve(PLAIN, network="container:a", ipc="container:b", pid="host", uts="host", cgroupns="host")
    around = evolve(AROUND, shared_pids={"network": 5, "ipc": 6})
    found = {n["type"]: n.get("path") for n in linux(config, around)["namespaces"]}  # type: ignore[attr-defined]
    assert found == {"mount": None, "network": "/proc/5/ns/net", "ipc": "/proc/6/ns/ipc"}
    assert "hostname" not in spec_of(config, around)


def test_an_exec_has_the_containers_rights_and_its_own_environment() -> None:
    config = evolve(PLAIN, env=("A=1", "B=2"), cwd="/srv")
    found = exec_process(config, ExecConfig(args=("id",), env=("B=3",), terminal=True), AROUND)
    assert found.args == ("id",)
    assert found.cwd == "/srv"
    assert {"A=1", "B=3", "TERM=xterm", "HOME=/root"} <= set(found.env)
    assert found.capabilities is not None
    assert len(found.capabilities.bounding) == 14
    privileged = exec_process(config, ExecConfig(args=("id",), privileged=True), AROUND).capabilities
    assert privileged is not None
    assert privileged.effective == NAMES


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"args": ()}, "args"),
        ({"cap_add": ("FLY",)}, "cap_add"),
        ({"resources": Resources(memory=1000)}, "resources.memory"),
        ({"resources": Resources(memory_swap=1 << 30)}, "resources.memory_swap"),
        ({"resources": Resources(nano_cpus=1, cpu_quota=1)}, "resources.nano_cpus"),
        ({"ulimits": (Ulimit(name="beer", soft=1, hard=1),)}, "ulimits"),
        ({"ulimits": (Ulimit(name="nofile", soft=2, hard=1),)}, "ulimits"),
        ({"mounts": (TmpfsMount(target="relative"),)}, "mounts[0].target"),
        ({"mounts": (TmpfsMount(target="/a"), TmpfsMount(target="/a/"))}, "mounts[1].target"),
        ({"mounts": (BindMount(source="x", target="/a"),)}, "mounts[0].source"),
        ({"seccomp": "{"}, "seccomp"),
        ({"device_cgroup_rules": ("c 1:3",)}, "device_cgroup_rules"),
    ],
)
def test_what_cannot_be_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        build(evolve(PLAIN, **changes), AROUND)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("field", "mode"),
    [("network", "bridge"), ("pid", "container:"), ("ipc", "shared"), ("uts", "container:a"), ("userns", "mine")],
)
def test_unknown_namespace_modes_are_refused(field: str, mode: str) -> None:
    changes: dict[str, Any] = {field: mode}
    with pytest.raises(InvalidConfig) as refused:
        namespaces.validate(evolve(PLAIN, **changes))
    assert refused.value.field == field


def test_devices_must_be_devices(tmp_path: Path) -> None:
    (found,) = host_devices(evolve(PLAIN, devices=(Device(source="/dev/null", target="/dev/nil", permissions="r"),)))
    assert (found.type, found.major, found.minor, found.path) == ("c", 1, 3, "/dev/nil")
    with pytest.raises(InvalidConfig, match="not a device node"):
        host_devices(evolve(PLAIN, devices=(Device(source=str(tmp_path / "no"), target="/dev/x"),)))


def test_files_of_etc() -> None:
    config = evolve(PLAIN, dns=("10.0.0.1",), dns_search=("a.b",), extra_hosts=("db:10.0.0.2",))
    files = contents(config, "box")
    assert files["hostname"] == "box\n"
    assert "10.0.0.2\tdb\n" in files["hosts"]
    assert files["resolv.conf"].count("nameserver") == 1
    assert "nameserver 10.0.0.1\n" in files["resolv.conf"]
