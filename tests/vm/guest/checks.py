"""What the machine has that the development machine has not. Collected only where it is named: these fail on another host."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from pyrunc.facts import Facts


def said(*command: str) -> str:
    """What the command prints on both outputs; it must succeed."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{' '.join(command)}: {result.returncode}\n{result.stdout}{result.stderr}"
    return result.stdout + result.stderr


def test_kernel() -> None:
    """Debian 12's: with the mount API of 5.12, and older than what developers have."""
    assert os.uname().release.startswith("6.1.")


def test_one_hierarchy_of_cgroups() -> None:
    assert Facts.probe().cgroup_mode == "v2"
    controllers = Path("/sys/fs/cgroup/cgroup.controllers").read_text().split()
    assert {"cpu", "cpuset", "io", "memory", "pids"} <= set(controllers)


def test_criu() -> None:
    assert "Looks good." in said("criu", "check")


def test_netem() -> None:
    said("unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "10ms")


def test_apparmor() -> None:
    assert Path("/sys/module/apparmor/parameters/enabled").read_text() == "Y\n"
    said("aa-status", "--enabled")


def test_overlay_in_a_user_namespace() -> None:
    """Since Linux 5.11; as root of a namespace with one mapped user."""
    script = "mkdir /tmp/l /tmp/u /tmp/w /tmp/m && mount -t overlay -o lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w o /tmp/m"
    mounts = "mount -t tmpfs tmpfs /tmp"
    said("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", f"{mounts} && {script}")


def test_systemd_answers_where_it_is_process_1() -> None:
    if Path("/proc/1/comm").read_text() == "systemd\n":
        assert "system.slice" in said("systemctl", "show", "--property", "Slice", "dbus.service")
        said(
            "busctl",
            "call",
            "org.freedesktop.systemd1",
            "/org/freedesktop/systemd1",
            "org.freedesktop.DBus.Peer",
            "Ping",
        )
    else:
        assert not Path("/run/systemd/private").exists()
