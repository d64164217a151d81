"""The built-in image: the machine's own root, seen and never touched."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from pycontainerd import Supervisor
from tests.supervisor.running import output, start


async def test_the_machines_own_programs_run(supervisor: Supervisor) -> None:
    version = Path("/etc/os-release").read_text()
    assert await output(supervisor, "cat /etc/os-release", image="host") == version


async def test_what_is_written_stays_in_the_container(supervisor: Supervisor) -> None:
    victim = Path("/etc/pycontainerd-host-test")
    before = Path("/etc/hostname").read_bytes()
    try:
        victim.write_text("original\n")
        script = f"rm {victim}; echo changed > /etc/issue.new; mkdir /pycontainerd-made; rm -rf /usr/share/doc; ls {victim} 2>&1; true"
        assert "No such file" in await output(supervisor, script, image="host")
        assert victim.read_text() == "original\n"
        assert not Path("/etc/issue.new").exists()
        assert not Path("/pycontainerd-made").exists()
        assert Path("/usr/share/doc").is_dir()
        assert Path("/etc/hostname").read_bytes() == before
    finally:
        victim.unlink()


async def test_two_containers_see_nothing_of_each_other(supervisor: Supervisor) -> None:
    first = await start(supervisor, "echo mine > /root/own-file", image="host")
    await first.wait()
    assert await output(supervisor, "ls /root/own-file 2>&1; true", image="host") != "/root/own-file\n"


async def test_the_supervisors_own_storage_is_not_there(supervisor: Supervisor) -> None:
    """Not by its path, not through /proc/1/root of the container, and not by walking down from a parent directory."""
    parent = supervisor.root.parent
    assert len((supervisor.root / "metadata.db").parts) <= 7, "deeper than it is looked for"
    script = (
        f"ls -a {parent}; cat {supervisor.root}/metadata.db {supervisor.state}/lock 2>&1;"
        f"ls /proc/1/root{supervisor.root} 2>&1; find / -xdev -maxdepth 6 -name metadata.db -path '*{parent.name}*' 2>/dev/null; true"
    )
    lines = (await output(supervisor, script, image="host")).splitlines()
    assert lines[:2] == [".", ".."]
    assert len([line for line in lines if "No such file" in line]) == 3
    assert len(lines) == 5


async def test_the_machines_mounts_are_not_there(supervisor: Supervisor, tmp_path: Path) -> None:
    """/proc, /sys and /dev are the container's own; other mount points are the empty directories beneath."""
    names = set(os.listdir("/dev"))
    script = "cat /proc/1/comm; ls /dev; cat /proc/mounts"
    text = await output(supervisor, script, image="host")
    assert text.startswith(("sh\n", "dash\n"))
    seen = text.split()
    assert not {name for name in names if name.startswith(("loop", "sd", "vd", "nvme", "kvm", "fuse", "mem"))} & set(
        seen
    )
    points = {line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()}
    inside = {line.split()[1] for line in text.splitlines() if line.count(" ") == 5}
    own = {"/", "/proc", "/dev", "/dev/pts", "/sys", "/dev/shm", "/dev/mqueue"}
    allowed = own | {point for point in inside if point.startswith(("/proc/", "/sys/", "/etc/"))}
    assert inside <= allowed, inside - allowed
    for point in points & {"/run", "/boot", "/home"}:
        # what lies beneath a mount point may be seen, what lies on it not
        with tempfile.NamedTemporaryFile(dir=point, prefix=".pycontainerd-test-") as sentinel:
            assert Path(sentinel.name).name not in await output(supervisor, f"ls -A {point}", image="host")


@pytest.mark.parametrize("read_only", [False, True])
async def test_read_only(supervisor: Supervisor, read_only: bool) -> None:
    container = await start(supervisor, "touch /x", image="host", read_only=read_only)
    assert ((await container.wait()).code != 0) == read_only
    assert not Path("/x").exists()
