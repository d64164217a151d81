"""Which limits are in force after a change, in which order they are written, and what puts back the old ones."""

from __future__ import annotations

from errno import EINVAL, EPERM
from pathlib import Path

import pytest

from pyrunc import BlockIo, CgroupError, Cpu, DeviceRule, HugepageLimit, Memory, Pids, Resources, ThrottleDevice
from pyrunc.cgroups.changes import completed, merged
from pyrunc.cgroups.driver import Setting
from pyrunc.cgroups.updating import Undo, before, write_all

BEFORE = Resources(
    devices=(DeviceRule(allow=False, access="rwm"),),
    memory=Memory(limit=100, swap=200, swappiness=10),
    cpu=Cpu(quota=50, period=100, cpus="0-1"),
    hugepage_limits=(HugepageLimit(page_size="2MB", limit=1), HugepageLimit(page_size="1GB", limit=2)),
    block_io=BlockIo(throttle_read_bps_device=(ThrottleDevice(major=8, minor=0, rate=1),)),
    unified={"memory.high": "1", "io.max": "x"},
)


def test_what_is_not_named_stays() -> None:
    assert merged(BEFORE, Resources()) == BEFORE
    assert merged(BEFORE, Resources(memory=Memory(limit=0), pids=Pids())).memory == BEFORE.memory
    assert merged(None, Resources(pids=Pids(limit=3))) == Resources(pids=Pids(limit=3))


def test_members_are_replaced_one_by_one() -> None:
    after = merged(
        BEFORE,
        Resources(
            devices=(DeviceRule(allow=True, access="rwm"),),
            memory=Memory(limit=300, swappiness=0),
            cpu=Cpu(cpus="1"),
            pids=Pids(limit=4),
            hugepage_limits=(HugepageLimit(page_size="2MB", limit=9),),
            block_io=BlockIo(weight=10, throttle_read_bps_device=(ThrottleDevice(major=8, minor=1, rate=7),)),
            unified={"memory.high": "2"},
        ),
    )
    assert after.devices == BEFORE.devices
    assert after.memory == Memory(limit=300, swap=200, swappiness=0)
    assert after.cpu == Cpu(quota=50, period=100, cpus="1")
    assert after.pids == Pids(limit=4)
    assert [(limit.page_size, limit.limit) for limit in after.hugepage_limits] == [("2MB", 9), ("1GB", 2)]
    assert after.block_io is not None
    assert after.block_io.weight == 10
    assert [device.rate for device in after.block_io.throttle_read_bps_device] == [1, 7]
    assert after.unified == {"memory.high": "2", "io.max": "x"}


def test_pairs_go_together() -> None:
    assert completed(BEFORE, Resources(cpu=Cpu(period=7))).cpu == Cpu(quota=50, period=7)
    assert completed(BEFORE, Resources(cpu=Cpu(quota=7))).cpu == Cpu(quota=7, period=100)
    assert completed(BEFORE, Resources(cpu=Cpu(shares=7))).cpu == Cpu(shares=7)
    assert completed(BEFORE, Resources(memory=Memory(swap=300))).memory == Memory(limit=100, swap=300)
    assert completed(BEFORE, Resources(memory=Memory(limit=300))).memory == Memory(limit=300)
    assert completed(None, Resources(cpu=Cpu(period=7))).cpu == Cpu(period=7)


def setting(name: str) -> Setting:
    return Setting("c", name, 1, f"linux.{name}")


def test_what_is_invalid_is_asked_again_after_the_others() -> None:
    taken: list[str] = []

    def put(wanted: Setting) -> None:
        if wanted.interface == "first" and "second" not in taken:
            raise CgroupError(wanted.field, "refused", EINVAL)
        taken.append(wanted.interface)

    write_all([setting("first"), setting("second"), setting("third")], put)
    assert taken == ["second", "third", "first"]


@pytest.mark.parametrize(("errno", "expected"), [(EINVAL, ["good"]), (EPERM, [])])
def test_what_stays_refused_is_the_error(errno: int, expected: list[str]) -> None:
    taken: list[str] = []

    def put(wanted: Setting) -> None:
        if wanted.interface == "bad":
            raise CgroupError(wanted.field, "refused", errno)
        taken.append(wanted.interface)

    with pytest.raises(CgroupError, match=r"linux\.bad: refused"):
        write_all([setting("bad"), setting("good")], put)
    assert taken == expected


@pytest.mark.parametrize(
    ("name", "shown", "new", "expected"),
    [
        ("memory.max", "max", "100", "max"),
        ("cpu.max", "max 100000", "50000 100000", "max 100000"),
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3", "1", "0"),
        ("io.max", "", "8:0 rbps=77", "8:0 rbps=max wbps=max riops=max wiops=max"),
        ("io.max", "8:0 rbps=7 wbps=max riops=max wiops=max", "8:0 rbps=77", "8:0 rbps=7 wbps=max riops=max wiops=max"),
        ("io.weight", "default 100\n8:0 50", "200", "default 100"),
        ("io.weight", "default 100\n8:0 50", "8:0 70", "8:0 50"),
        ("io.weight", "default 100", "8:0 70", "8:0 default"),
        ("blkio.throttle.read_bps_device", "8:16 9", "8:0 77", "8:0 0"),
        ("blkio.throttle.read_bps_device", "8:16 9\n8:0 5", "8:0 77", "8:0 5"),
        ("net_prio.ifpriomap", "lo 0\neth0 3", "eth0 5", "eth0 3"),
        ("rdma.max", "", "mlx hca_handle=2 hca_object=max", "mlx hca_handle=max hca_object=max"),
    ],
)
def test_what_puts_back_the_old_value(name: str, shown: str, new: str, expected: str) -> None:
    assert before(name, shown, new) == expected


def test_undo_only_after_a_failure(tmp_path: Path) -> None:
    first, second = tmp_path / "pids.max", tmp_path / "cpu.idle"
    first.write_text("1")
    second.write_text("0")

    def fail() -> None:
        with Undo() as undo:
            for path, value in ((first, "2"), (second, "1"), (first, "3")):
                undo.remember(str(path), value)
                path.write_text(value)
            undo.remember(str(tmp_path / "missing"), "1")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (first.read_text(), second.read_text()) == ("1", "0")
    with Undo() as undo:
        undo.remember(str(first), "2")
        first.write_text("2")
    assert first.read_text() == "2"
