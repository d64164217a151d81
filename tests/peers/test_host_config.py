"""Field by field of HostConfig: what a container that was created with it sees of it. docs/daemon/host-config.md is the table of all."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.daemon import contract

from .conftest import Engine
from .raw import ask

PAGE: Final = Path(__file__).parents[2] / "docs" / "daemon" / "host-config.md"

RIGHTS = "grep CapEff /proc/self/status"
LIMITS = "cd /sys/fs/cgroup; cat"
EFFECTS: Final[Mapping[str, tuple[Mapping[str, Any], str, str]]] = {
    "CapAdd": ({"CapDrop": ["ALL"], "CapAdd": ["NET_ADMIN"]}, RIGHTS, r"CapEff:\s0{12}1000"),
    "CapDrop": ({"CapDrop": ["ALL"]}, RIGHTS, r"CapEff:\s0{16}"),
    "CgroupnsMode": ({"CgroupnsMode": "host"}, "cut -d: -f3 /proc/self/cgroup", r"(?s).*/pydockerd-.*"),
    "Dns": ({"Dns": ["10.9.8.7"]}, "grep nameserver /etc/resolv.conf", "nameserver 10.9.8.7"),
    "DnsOptions": ({"DnsOptions": ["ndots:7"]}, "grep options /etc/resolv.conf", ".*ndots:7.*"),
    "DnsSearch": ({"DnsSearch": ["a.test", "b.test"]}, "grep search /etc/resolv.conf", "search a.test b.test"),
    "ExtraHosts": ({"ExtraHosts": ["x:1.2.3.4", "y:[::9]"]}, "grep -w [xy] /etc/hosts", "1.2.3.4\tx\n::9\ty"),
    "GroupAdd": ({"GroupAdd": ["7", "9"]}, "id -G", "0 .*7 9"),
    "IpcMode": ({"IpcMode": "none"}, "grep -c /dev/shm /proc/mounts; true", "0"),
    "OomScoreAdj": ({"OomScoreAdj": 321}, "cat /proc/self/oom_score_adj", "321"),
    "ReadonlyRootfs": ({"ReadonlyRootfs": True}, "touch /x 2>&1; true", ".*Read-only file system"),
    "SecurityOpt": (
        {"SecurityOpt": ["no-new-privileges", "seccomp=unconfined", "label=disable", "apparmor=unconfined"]},
        "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status",
        r"NoNewPrivs:\s1\nSeccomp:\s0",
    ),
    "Tmpfs": (
        {"Tmpfs": {"/t": "size=64k,mode=700"}},
        "grep ' /t ' /proc/mounts; stat -c %a /t",
        r".* tmpfs .*size=64k.*\n700",
    ),
    "ShmSize": ({"ShmSize": 1 << 20}, "df -k /dev/shm | awk 'NR==2 {print $2}'", "1024"),
    "Sysctls": ({"Sysctls": {"kernel.msgmax": "4242"}}, "cat /proc/sys/kernel/msgmax", "4242"),
    "Runtime": ({"Runtime": "runc"}, "echo runs", "runs"),
    "Isolation": ({"Isolation": "default"}, "echo runs", "runs"),
    "MaskedPaths": ({"MaskedPaths": ["/etc/passwd"]}, "wc -c </etc/passwd", "0"),
    "ReadonlyPaths": ({"ReadonlyPaths": ["/tmp"]}, "touch /tmp/x 2>&1; true", ".*Read-only file system"),
    "Privileged": (
        {"Privileged": True},
        "grep -E '^(CapEff|Seccomp):' /proc/self/status; mount -t tmpfs none /tmp",
        r"CapEff:\s0+1f[0-9a-f]{9}\nSeccomp:\s0",
    ),
    "CpuShares": ({"CpuShares": 300}, f"{LIMITS} cpu/cpu.shares", "300"),
    "CpuPeriod": ({"CpuPeriod": 50000, "CpuQuota": 20000}, f"{LIMITS} cpu/cpu.cfs_period_us", "50000"),
    "CpuQuota": ({"CpuPeriod": 50000, "CpuQuota": 20000}, f"{LIMITS} cpu/cpu.cfs_quota_us", "20000"),
    "NanoCpus": ({"NanoCpus": 1500000000}, f"{LIMITS} cpu/cpu.cfs_quota_us", "150000"),
    "CpusetCpus": ({"CpusetCpus": "0"}, f"{LIMITS} cpuset/cpuset.cpus", "0"),
    "CpusetMems": ({"CpusetMems": "0"}, f"{LIMITS} cpuset/cpuset.mems", "0"),
    "Memory": ({"Memory": 64 << 20}, f"{LIMITS} memory/memory.limit_in_bytes", str(64 << 20)),
    "MemoryReservation": (
        {"MemoryReservation": 32 << 20},
        f"{LIMITS} memory/memory.soft_limit_in_bytes",
        str(32 << 20),
    ),
    "MemorySwappiness": ({"MemorySwappiness": 7}, f"{LIMITS} memory/memory.swappiness", "7"),
    "OomKillDisable": (
        {"Memory": 64 << 20, "OomKillDisable": True},
        f"{LIMITS} memory/memory.oom_control | head -1",
        "oom_kill_disable 1",
    ),
    "PidsLimit": ({"PidsLimit": 77}, f"{LIMITS} pids/pids.max", "77"),
    "Devices": (
        {"Devices": [{"PathOnHost": "/dev/zero", "PathInContainer": "/dev/nought", "CgroupPermissions": "r"}]},
        "head -c 3 /dev/nought | wc -c",
        "3",
    ),
    "DeviceCgroupRules": (
        {"DeviceCgroupRules": ["c 10:237 rwm"]},
        "mknod /x c 10 237; cat /x 2>&1; mknod /y c 10 238; cat /y 2>&1; true",
        "(?s)cat: read error: Invalid argument\ncat: can't open '/y': Operation not permitted",
    ),
    "Init": ({"Init": True}, "cat /proc/1/comm", "pyrunc-init"),
    "Ulimits": ({"Ulimits": [{"Name": "nofile", "Soft": 321, "Hard": 654}]}, "ulimit -n; ulimit -H -n", "321\n654"),
}
"""HostConfig, what a shell in the container does, and all that it says."""

CONFIG: Final[Mapping[str, tuple[Mapping[str, Any], str, str]]] = {
    "Hostname": ({"Hostname": "box"}, "hostname; cat /etc/hostname", "box\nbox"),
    "Domainname": ({"Domainname": "example.test"}, "cat /proc/sys/kernel/domainname", "example.test"),
    "User": ({"User": "33:7"}, "id -u; id -g", "33\n7"),
    "Env": ({"Env": ["A=1 2", "B"]}, "echo $A; env | grep -c ^B; true", "1 2\n0"),
    "WorkingDir": ({"WorkingDir": "/made/here"}, "pwd", "/made/here"),
    "NetworkDisabled": ({"NetworkDisabled": True}, "ls /sys/class/net", "lo"),
}
"""The same of ContainerConfig."""

TOLD_CONFIG: Final[Mapping[str, Any]] = {
    "AttachStdin": True,
    "AttachStdout": True,
    "AttachStderr": True,
    "ExposedPorts": {"80/tcp": {}},
    "Labels": {"a": "b"},
    "OnBuild": ["RUN true"],
    "StopSignal": "SIGUSR1",
    "StopTimeout": 3,
    "Shell": ["/bin/ash", "-c"],
    "Tty": True,
    "OpenStdin": True,
    "StdinOnce": True,
}

NAMESPACES: Final = {
    "IpcMode": "ipc",
    "PidMode": "pid",
    "UTSMode": "uts",
    "NetworkMode": "net",
    "CgroupnsMode": "cgroup",
    "UsernsMode": "user",
}

ONLY_TOLD: Final[Mapping[str, Any]] = {
    "ContainerIDFile": "/somewhere",
    "Annotations": {"a": "b"},
    "VolumeDriver": "local",
    "Cgroup": "",
    "CpuCount": 3,
    "CpuPercent": 50,
    "IOMaximumIOps": 5,
    "IOMaximumBandwidth": 6,
}
"""What the daemon notes and shows, as docker on Linux does: the client's business, or Windows'."""

REFUSED: Final[list[tuple[Mapping[str, Any], str]]] = [
    ({"Isolation": "hyperv"}, "Invalid isolation: \"hyperv\" - linux only supports 'default'"),
    ({"Runtime": "kata"}, "unknown or invalid runtime name: kata"),
    ({"UsernsMode": "private"}, "invalid user namespace mode: private"),
    ({"StorageOpt": {"size": "much"}}, "invalid size: 'much'"),
    ({"StorageOpt": {"inodes": "5"}}, "Unknown option inodes"),
    (
        {"StorageOpt": {"size": "10m"}},
        "--storage-opt is supported only for overlay over a file system with project quotas",
    ),
    ({"SecurityOpt": ["apparmor=mine"]}, 'AppArmor is not enabled on this host: the profile "mine" cannot be applied'),
    (
        {"SecurityOpt": ["label=type:svirt_t"]},
        "SELinux is not enabled on this host: the label system_u:system_r:svirt_t:s0",
    ),
    ({"SecurityOpt": ["label=colour:red"]}, 'bad label option "label=colour:red"'.replace("label=colour", "colour")),
    (
        {"CpuRealtimePeriod": 1000, "CpuRealtimeRuntime": 2000},
        "cpu real-time runtime cannot be higher than cpu real-time period",
    ),
]


def create(engine: Engine, host: Mapping[str, Any], *command: str, **config: Any) -> tuple[int, Any]:
    body = {"Image": "busybox", "Cmd": [*command], "HostConfig": {"NetworkMode": "none", **host}, **config}
    status, answer = ask(engine, "POST", "/containers/create", body)
    return status, json.loads(answer)


def seen(engine: Engine, host: Mapping[str, Any], script: str, **config: Any) -> str:
    """What the script says in a container."""
    status, made = create(engine, host, "sh", "-c", script, **config)
    assert status == 201, made
    try:
        engine.ok("start", made["Id"])
        code = engine.ok("wait", made["Id"])
        said = engine.ok("logs", made["Id"])
        assert code == "0", said
        return said
    finally:
        engine.ok("rm", "-f", "-v", made["Id"])


@pytest.mark.parametrize("field", EFFECTS)
def test_effect(engine: Engine, field: str) -> None:
    host, script, expected = EFFECTS[field]
    said = seen(engine, host, script)
    assert re.fullmatch(expected, said), said


@pytest.mark.parametrize("field", CONFIG)
def test_effect_of_config(engine: Engine, field: str) -> None:
    config, script, expected = CONFIG[field]
    said = seen(engine, {}, script, **config)
    assert re.fullmatch(expected, said), said


@pytest.mark.parametrize("field", TOLD_CONFIG)
def test_told_of_config(engine: Engine, field: str) -> None:
    """What says how a client or the daemon is to deal with it is shown as it was said."""
    status, made = create(engine, {}, "true", **{field: TOLD_CONFIG[field]})
    assert status == 201, made
    _, answer = ask(engine, "GET", f"/containers/{made['Id']}/json")
    assert json.loads(answer)["Config"][field] == TOLD_CONFIG[field]


@pytest.mark.parametrize("field", NAMESPACES)
def test_namespace_of_the_machine(engine: Engine, field: str) -> None:
    kind = NAMESPACES[field]
    script = f"readlink /proc/self/ns/{kind}"
    own = os.readlink(f"/proc/self/ns/{kind}")
    assert seen(engine, {field: "host"}, script) == own
    if field != "UsernsMode":  # without --userns-remap there is only the machine's
        assert seen(engine, {}, script) != own


def test_namespaces_of_another_container(engine: Engine) -> None:
    """IpcMode, PidMode and NetworkMode."""
    engine.ok("run", "-d", "--name", "first", "--network", "none", "--ipc", "shareable", "busybox", "sleep", "300")
    pid = engine.ok("inspect", "-f", "{{.State.Pid}}", "first")
    for field in ("IpcMode", "PidMode", "NetworkMode"):
        kind = NAMESPACES[field]
        said = seen(engine, {field: "container:first"}, f"readlink /proc/self/ns/{kind}")
        assert said == os.readlink(f"/proc/{pid}/ns/{kind}")


@pytest.mark.parametrize("field", ONLY_TOLD)
def test_only_told(engine: Engine, field: str) -> None:
    status, made = create(engine, {field: ONLY_TOLD[field]}, "true")
    assert status == 201, made
    _, answer = ask(engine, "GET", f"/containers/{made['Id']}/json")
    assert json.loads(answer)["HostConfig"][field] == ONLY_TOLD[field]


@pytest.mark.parametrize(
    ("host", "told"), REFUSED, ids=[" ".join(host) + str(number) for number, (host, _) in enumerate(REFUSED)]
)
def test_refused(engine: Engine, host: Mapping[str, Any], told: str) -> None:
    status, answer = create(engine, host, "true")
    assert status in {400, 501}, answer
    assert told in answer["message"]
    assert engine.ok("ps", "-aq") == ""


def test_cgroup_parent(engine: Engine) -> None:
    parent = f"/{json.loads(ask(engine, 'GET', '/info')[1])['ID'][:8]}-pydockerd-test"
    status, made = create(engine, {"CgroupParent": parent}, "sleep", "300")
    assert status == 201, made
    engine.ok("start", made["Id"])
    pid = engine.ok("inspect", "-f", "{{.State.Pid}}", made["Id"])
    assert f":{parent}/{made['Id']}" in Path(f"/proc/{pid}/cgroup").read_text()
    engine.ok("rm", "-f", made["Id"])


def test_real_time(engine: Engine) -> None:
    """CpuRealtimePeriod and CpuRealtimeRuntime, where the kernel has it (CONFIG_RT_GROUP_SCHED): each cgroup above has to grant it, too."""
    status, made = create(engine, {"CpuRealtimePeriod": 1_000_000, "CpuRealtimeRuntime": 1000}, "true")
    assert status == 201, made
    done = engine.docker("start", made["Id"])
    if Path("/sys/fs/cgroup/cpu/cpu.rt_runtime_us").exists():
        assert done.returncode == 0 or "realtimeRuntime" in done.stderr, done.stderr
    else:
        assert done.returncode, "a limit that is not held must not be promised"


def test_the_page_names_every_field(engine: Engine) -> None:
    """Each with what it does here and a test that there is."""
    definitions = contract.load().definitions
    wanted = {*definitions["Resources"]["properties"], *definitions["ContainerConfig"]["properties"]}
    for part in definitions["HostConfig"]["allOf"]:
        wanted |= {*part.get("properties", {})}
    rows = [row.split("|")[1:-1] for row in PAGE.read_text().splitlines() if row.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row[0])}
    assert wanted <= told, wanted - told
    for row in rows:
        for path, name in re.findall(r"\[`(\w+)`\]\((?:\.\./)+(tests/[\w/]+\.py)\)", row[2]) or [("", "")]:
            assert path, f"{row[0]}: no test"
            assert f"def {path}(" in (PAGE.parents[2] / name).read_text(), (path, name)


def test_args_escaped_does_nothing(engine: Engine) -> None:
    assert seen(engine, {}, "echo runs", ArgsEscaped=True) == "runs"
