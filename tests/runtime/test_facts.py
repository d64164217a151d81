"""Facts: what is read out of /proc and /sys, from texts of other hosts and from this one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyrunc.facts import Facts, Hierarchy, parse_hierarchies, parse_release

MOUNTS = """\
25 30 0:23 / /sys rw,nosuid shared:7 - sysfs sysfs rw
31 25 0:28 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
32 31 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
33 31 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
34 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw shared:15 - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 /docker/web /sys/fs/cgroup/with\\040space rw - cgroup cgroup rw,memory
"""
GROUPS = """\
12:memory:/docker/web/inner
4:cpu,cpuacct:/a:b
3:rdma:/
1:name=systemd:/init.scope
0::/init.scope
"""


def test_hierarchies_of_a_hybrid_host() -> None:
    assert parse_hierarchies(GROUPS, MOUNTS) == (
        Hierarchy("memory", ("memory",), "/sys/fs/cgroup/with space", "/inner"),
        Hierarchy("cpu,cpuacct", ("cpu", "cpuacct"), "/sys/fs/cgroup/cpu,cpuacct", "/a:b"),
        Hierarchy("name=systemd", (), "/sys/fs/cgroup/systemd", "/init.scope"),
        Hierarchy("", (), "/sys/fs/cgroup/unified", "/init.scope"),
    )


def test_the_mount_on_top_counts() -> None:
    twice = MOUNTS + "40 31 0:29 / /other rw - cgroup2 cgroup2 rw\n"
    assert parse_hierarchies("0::/\n", twice) == (Hierarchy("", (), "/other", "/"),)


def test_modes() -> None:
    unified, legacy = Hierarchy("", ("pids",), "/c", "/"), Hierarchy("pids", ("pids",), "/p", "/")
    modes = [Facts(hierarchies=which).cgroup_mode for which in ((unified,), (legacy,), (legacy, unified), ())]
    assert modes == ["v2", "v1", "hybrid", "none"]
    facts = Facts(hierarchies=(legacy, unified))
    assert facts.unified is unified
    assert facts.hierarchy("pids") is legacy
    assert facts.hierarchy("io") is None


@pytest.mark.parametrize(
    ("release", "version"),
    [("6.18.44-fc-v595", (6, 18)), ("5.10.0-8-amd64", (5, 10)), ("6.1+", (6, 1)), ("4.19-rc1", (4, 19))],
)
def test_releases(release: str, version: tuple[int, int]) -> None:
    assert parse_release(release) == version


def test_this_host() -> None:
    facts = Facts.probe()
    assert facts is Facts.probe()
    assert (facts.uid, facts.gid, facts.machine) == (os.geteuid(), os.getegid(), os.uname().machine)
    assert facts.kernel >= (5, 10)
    assert facts.last_capability == int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for hierarchy in facts.hierarchies:
        assert Path(hierarchy.mountpoint, "cgroup.procs").exists()
        assert Path(hierarchy.mountpoint, hierarchy.own.lstrip("/"), "cgroup.procs").exists()


def test_who_is_rootless() -> None:
    assert not Facts().rootless
    assert Facts(uid=1000).rootless
    assert Facts(in_user_namespace=True).rootless
