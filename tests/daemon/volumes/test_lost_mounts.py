"""A daemon whose mount namespace has died with the one before it takes mounted volumes from the containers that use them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.daemon import Daemon

NET = ("--network", "none")


def ok(daemon: Daemon, *args: str) -> str:
    done = daemon.docker(*args)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("mode", ["", ":ro"])
def test_taken_from_a_container(daemon: Daemon, busybox_tar: Path, mode: str) -> None:
    ok(daemon, "import", str(busybox_tar), "busybox")
    ok(daemon, "volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m", "fast")
    point = ok(daemon, "volume", "inspect", "-f", "{{.Mountpoint}}", "fast")
    ok(daemon, "run", "-d", "--name", "user", *NET, "-v", f"fast:/x{mode}", "busybox", "sleep", "300")
    Path(point, "file").write_text("in memory only")
    daemon.kill9()
    subprocess.run(["umount", point], check=True)
    daemon.start()
    assert ok(daemon, "run", "--rm", *NET, "-v", "fast:/y", "busybox", "cat", "/y/file") == "in memory only"
    ok(daemon, "run", "--rm", *NET, "-v", "fast:/y", "busybox", "sh", "-c", "echo more > /y/other")
    assert ok(daemon, "exec", "user", "cat", "/x/other") == "more"
    ok(daemon, "rm", "-f", "user")
    assert point not in Path("/proc/self/mountinfo").read_text()
    assert Path(point).stat().st_mode & 0o777 == 0o755
