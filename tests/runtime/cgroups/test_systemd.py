"""The systemd driver. What is decided (names, properties) anywhere; the doing where systemd is process 1, as in the virtual machine."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

import pyrunc
from pyrunc import BlockIo, Cpu, DeviceRule, Memory, Pids, Resources, Runtime, SpecError, Stdio
from pyrunc.cgroups import devices, systemd_properties
from pyrunc.cgroups.systemd_annotations import properties
from pyrunc.cgroups.systemd_bus import running
from pyrunc.cgroups.systemd_properties import INFINITY
from pyrunc.cgroups.systemd_units import Unit, unit_for
from pyrunc.facts import Facts
from tests.runtime.cli.conftest import PYRUNC
from tests.runtime.conftest import Bundle
from tests.runtime.test_limits import MIB, limited, read
from tests.support.run import RUN

# -- names ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("", Unit("pyrunc-web.scope", "system.slice", "/system.slice/pyrunc-web.scope")),
        ("system.slice:docker:1f", Unit("docker-1f.scope", "system.slice", "/system.slice/docker-1f.scope")),
        (":p:n", Unit("p-n.scope", "system.slice", "/system.slice/p-n.scope")),
        ("a-b-c.slice:p:n", Unit("p-n.scope", "a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice/p-n.scope")),
        ("-.slice:p:n", Unit("p-n.scope", "-.slice", "/p-n.scope")),
        ("a.slice:p:own.slice", Unit("own.slice", "a.slice", "/a.slice/own.slice")),
    ],
)
def test_units(wanted: str, expected: Unit) -> None:
    assert unit_for(wanted, "web") == expected


@pytest.mark.parametrize(
    "wanted", ["/pyrunc/web", "a:b", "a.slice:b:", "a.slice:b:c/d", "a:b:c", "a--b.slice:p:n", "a.slice:b:c:d"]
)
def test_no_units(wanted: str) -> None:
    with pytest.raises(SpecError, match=r"linux\.cgroupsPath"):
        unit_for(wanted, "web")


# -- properties -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resources", "v1", "v2"),
    [
        (
            Resources(memory=Memory(limit=100, swap=300, reservation=50)),
            {"MemoryLimit": 100},
            {"MemoryMax": 100, "MemorySwapMax": 200, "MemoryLow": 50},
        ),
        (
            Resources(memory=Memory(limit=-1)),
            {"MemoryLimit": INFINITY},
            {"MemoryMax": INFINITY, "MemorySwapMax": INFINITY},
        ),
        (Resources(cpu=Cpu(shares=1024)), {"CPUShares": 1024}, {"CPUWeight": 100}),
        (
            Resources(cpu=Cpu(quota=5_000, period=100_000)),
            {"CPUQuotaPeriodUSec": 100_000, "CPUQuotaPerSecUSec": 50_000},
            {"CPUQuotaPeriodUSec": 100_000, "CPUQuotaPerSecUSec": 50_000},
        ),
        (Resources(cpu=Cpu(quota=-1)), {"CPUQuotaPerSecUSec": INFINITY}, {"CPUQuotaPerSecUSec": INFINITY}),
        (Resources(cpu=Cpu(quota=3_001)), {"CPUQuotaPerSecUSec": 40_000}, {"CPUQuotaPerSecUSec": 40_000}),
        (
            Resources(cpu=Cpu(cpus="0-2,8", mems="0")),
            {"AllowedCPUs": b"\x07\x01", "AllowedMemoryNodes": b"\x01"},
            {"AllowedCPUs": b"\x07\x01", "AllowedMemoryNodes": b"\x01"},
        ),
        (Resources(pids=Pids(limit=9)), {"TasksMax": 9}, {"TasksMax": 9}),
        (Resources(pids=Pids(limit=-1)), {"TasksMax": INFINITY}, {"TasksMax": INFINITY}),
        (Resources(block_io=BlockIo(weight=500)), {"BlockIOWeight": 500}, {}),
        (
            Resources(unified={"memory.high": "77", "pids.max": "max", "io.max": "8:0 rbps=1"}),
            {},
            {"MemoryHigh": 77, "TasksMax": INFINITY},
        ),
    ],
)
def test_properties(resources: Resources, v1: dict[str, object], v2: dict[str, object]) -> None:
    for expected, is_v2 in ((v1, False), (v2, True)):
        found = systemd_properties.limits(resources, v2=is_v2)
        assert {name: value for name, (_, value) in found} == expected


def test_devices() -> None:
    rules = devices.rules(
        Resources(
            devices=(DeviceRule(allow=False, access="rwm"), DeviceRule(allow=True, type="b", major=8, access="r"))
        )
    )
    policy, (name, (signature, allowed)) = systemd_properties.devices(rules)
    assert policy == ("DevicePolicy", ("s", "strict"))
    assert (name, signature) == ("DeviceAllow", "a(ss)")
    assert isinstance(allowed, list)
    assert {("block-8", "r"), ("char-*", "m"), ("/dev/char/1:3", "rwm"), ("char-136", "rwm")} <= set(allowed)
    everything = devices.rules(Resources(devices=(DeviceRule(allow=True, access="rwm"),)))
    assert dict(systemd_properties.devices(everything))["DevicePolicy"] == ("s", "auto")


def test_annotations() -> None:
    given = {
        "TimeoutStopUSec": "uint64 123456789",
        "TimeoutStopSec": "3",
        "CollectMode": "'inactive-or-failed'",
        "KillSignal": "int32 15",
        "SendSIGHUP": "true",
        "After": "[\"a.service\", 'b.service']",
    }
    found = list(properties({"other": "x", **{f"org.systemd.property.{name}": text for name, text in given.items()}}))
    assert found == [
        ("TimeoutStopUSec", ("t", 123456789)),
        ("TimeoutStopUSec", ("t", 3_000_000)),
        ("CollectMode", ("s", "inactive-or-failed")),
        ("KillSignal", ("i", 15)),
        ("SendSIGHUP", ("b", True)),
        ("After", ("as", ["a.service", "b.service"])),
    ]


@pytest.mark.parametrize(
    ("name", "text"), [("A/B", "1"), ("KillSignal", "nonsense"), ("StopSec", "'x'"), ("After", "[1]")]
)
def test_bad_annotations(name: str, text: str) -> None:
    with pytest.raises(SpecError, match=rf"annotations\.org\.systemd\.property\.{name}: "):
        list(properties({f"org.systemd.property.{name}": text}))


# -- where there is no systemd --------------------------------------------------------------------------------------------------------


def test_it_must_run(tmp_path: Path, bundle: Bundle) -> None:
    if running():
        return  # the tests below are for such a machine
    bundle.write(bundle.spec("true"))
    with pytest.raises(pyrunc.Unsupported, match=r"cgroup manager 'systemd': systemd does not run on this machine"):
        Runtime(tmp_path, cgroup_manager="systemd").create("web", bundle.path)
    assert os.listdir(tmp_path / "bundle") == ["config.json"]
    for option in ("--systemd-cgroup", "--cgroup-manager=systemd"):
        done = subprocess.run(
            [PYRUNC, "--root", str(tmp_path / "r"), option, "create", "-b", str(bundle.path), "web"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1
        assert f"{option.partition('=')[0]}: systemd does not run on this machine" in done.stderr


# -- where there is -------------------------------------------------------------------------------------------------------------------

with_systemd = pytest.mark.skipif(
    not running(), reason="systemd is not process 1 here; it is in one of the virtual machines"
)
UNIT = f"pyrunc-{RUN.name[:12]}"


@pytest.fixture
def runtime(tmp_short: Path) -> Iterator[Runtime]:
    made = Runtime(tmp_short / "state", cgroup_manager="systemd")
    yield made
    for name in made.ids():
        made.delete(name, force=True)


def shown(unit: str, *names: str) -> dict[str, str]:
    asked = [word for name in names for word in ("--property", name)]
    said = subprocess.run(["systemctl", "show", unit, *asked], capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in said.splitlines())


def spec(bundle: Bundle, *command: str, slice: str = "system.slice") -> pyrunc.Spec:
    made = bundle.spec(*command).with_linux(cgroups_path=f"{slice}:{UNIT}:web")
    cpu = Cpu(quota=50_000, period=100_000, shares=512, cpus="0")
    return limited(made, memory=Memory(limit=64 * MIB, swap=96 * MIB), cpu=cpu, pids=Pids(limit=17))


@with_systemd
def test_a_scope_for_each_container(runtime: Runtime, bundle: Bundle) -> None:
    annotated = evolve(spec(bundle, "sleep", "60"), annotations={"org.systemd.property.TimeoutStopSec": "7"})
    container = runtime.create("web", bundle.path, spec=annotated, stdio=Stdio.null())
    unit = f"{UNIT}-web.scope"
    assert shown(unit, "TimeoutStopUSec") == {"TimeoutStopUSec": "7s"}
    assert f"/system.slice/{unit}\n" in Path(f"/proc/{container.pid}/cgroup").read_text()
    assert container.processes() == [container.pid], "what kept the scope in being is gone"
    properties = shown(
        unit,
        "ActiveState",
        "Slice",
        "Delegate",
        "MemoryMax",
        "MemorySwapMax",
        "TasksMax",
        "CPUQuotaPerSecUSec",
        "AllowedCPUs",
        "DevicePolicy",
    )
    assert properties == {
        "ActiveState": "active",
        "Slice": "system.slice",
        "Delegate": "yes",
        "MemoryMax": str(64 * MIB),
        "MemorySwapMax": str(32 * MIB),
        "TasksMax": "17",
        "CPUQuotaPerSecUSec": "500ms",
        "AllowedCPUs": "0",
        "DevicePolicy": "strict",
    }
    assert read(container.pid, "memory", "memory.limit_in_bytes", "memory.max") == str(64 * MIB)
    container.start()
    assert container.exec(pyrunc.Process(args=("/bin/true",), cwd="/"), stdio=Stdio.null()).wait(10).code == 0
    runtime.get("web").update(Resources(memory=Memory(limit=32 * MIB), pids=Pids(limit=9), cpu=Cpu(quota=20_000)))
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    assert shown(unit, "MemoryMax", "TasksMax", "CPUQuotaPerSecUSec") == {
        "MemoryMax": str(32 * MIB),
        "TasksMax": "9",
        "CPUQuotaPerSecUSec": "200ms",
    }
    assert read(container.pid, "pids", "pids.max", "pids.max") == "9"
    container.pause()
    container.resume()
    container.delete(force=True)
    assert shown(unit, "LoadState") == {"LoadState": "not-found"}


@with_systemd
def test_a_refused_change_changes_nothing(runtime: Runtime, bundle: Bundle) -> None:
    container = runtime.create("web", bundle.path, spec=spec(bundle, "sleep", "60"), stdio=Stdio.null())
    with pytest.raises(pyrunc.CgroupError, match=r"linux\.resources\.cpu\.cpus"):
        container.update(Resources(pids=Pids(limit=9), cpu=Cpu(cpus="4000")))
    assert shown(f"{UNIT}-web.scope", "TasksMax", "AllowedCPUs") == {"TasksMax": "17", "AllowedCPUs": "0"}
    assert read(container.pid, "pids", "pids.max", "pids.max") == "17"
    container.delete()


@with_systemd
def test_a_slice_of_its_own(runtime: Runtime, bundle: Bundle) -> None:
    own = f"{UNIT.replace('-', '')}-own.slice"
    container = runtime.create("web", bundle.path, spec=spec(bundle, "sleep", "60", slice=own), stdio=Stdio.null())
    assert (
        f"/{UNIT.replace('-', '')}.slice/{own}/{UNIT}-web.scope\n" in Path(f"/proc/{container.pid}/cgroup").read_text()
    )
    container.delete()
    subprocess.run(["systemctl", "stop", own, f"{UNIT.replace('-', '')}.slice"], check=True)


@with_systemd
def test_devices_are_those_of_the_container(runtime: Runtime, bundle: Bundle) -> None:
    container = runtime.create(
        "web", bundle.path, spec=spec(bundle, "exec 3</dev/kmsg || exit 7; echo x >/dev/null"), stdio=Stdio.null()
    )
    container.start()
    assert container.wait(10).code != 0
    container.delete()


@with_systemd
def test_a_unit_of_this_name_is_left_alone(runtime: Runtime, bundle: Bundle) -> None:
    unit = f"{UNIT}-web.scope"
    with subprocess.Popen(
        ["systemd-run", "--scope", "--unit", unit, "sleep", "60"], stderr=subprocess.DEVNULL
    ) as other:
        deadline = time.monotonic() + 10
        while shown(unit, "ActiveState") != {"ActiveState": "active"} and time.monotonic() < deadline:
            time.sleep(0.05)
        with pytest.raises(pyrunc.CgroupError, match="exists and has processes in it"):
            runtime.create("web", bundle.path, spec=spec(bundle, "true"), stdio=Stdio.null())
        assert other.poll() is None
        assert runtime.ids() == []
        other.kill()


@with_systemd
def test_the_command(runtime: Runtime, bundle: Bundle) -> None:
    bundle.write(spec(bundle, "cat", "/proc/self/cgroup"))
    for option in ("--systemd-cgroup", "--cgroup-manager=systemd"):
        line = [PYRUNC, "--root", runtime.root, option, "run", "-b", str(bundle.path), "web"]
        done = subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert (done.returncode, done.stdout) == (0, "0::/\n"), done.stderr
    assert Facts.probe().cgroup_mode != "v2" or not Path(f"/sys/fs/cgroup/system.slice/{UNIT}-web.scope").exists()
