"""Run pytest in the machine and write what came of it to the third disk, as a tar: ``junit.xml`` and ``machine.json``.

It needs no package: Debian's own Python starts it. The arguments for pytest lie beside the checkout, as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
import time
from pathlib import Path

PAYLOAD = Path("/srv")
RESULTS = Path("/run/results")
DISK = "/dev/vdc"


def main() -> None:
    """Run the tests, describe the machine, write both out."""
    RESULTS.mkdir()
    arguments = json.loads((PAYLOAD / "arguments.json").read_text())
    booted = float(Path("/proc/uptime").read_text().split()[0])
    began = time.monotonic()
    code = pytest(arguments)
    described = {**machine(), "boot_seconds": booted, "test_seconds": time.monotonic() - began, "exit_code": code}
    (RESULTS / "machine.json").write_text(json.dumps(described))
    with tarfile.open(DISK, "w") as archive:
        archive.add(RESULTS, arcname=".")
    os.sync()


def pytest(arguments: list[str]) -> int:
    """Its output goes where ours goes. Returns its exit code."""
    python = PAYLOAD / "venv/bin/python"
    reported = ["-p", "no:cacheprovider", "-p", "tests.vm.guest.instantly", f"--junit-xml={RESULTS}/junit.xml"]
    path = f"{python.parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    environment = {**os.environ, "PATH": path, "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb"}
    command = [str(python), "-m", "pytest", *reported, *arguments]
    return subprocess.run(command, cwd=PAYLOAD / "checkout", env=environment, check=False).returncode


def machine() -> dict[str, object]:
    """What kind of host this is."""
    return {
        "kernel": os.uname().release,
        "init": Path("/proc/1/comm").read_text().strip(),
        "cgroup": cgroup_mode(),
        "processors": os.cpu_count(),
    }


def cgroup_mode() -> str:
    """As the runtime's facts name it, but told from the mounts: v2, hybrid, v1 or none."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    kinds = {kind for _, place, kind, *_ in mounts if place.startswith("/sys/fs/cgroup")}
    names: dict[frozenset[str], str] = {frozenset(): "none", frozenset({"cgroup2"}): "v2", frozenset({"cgroup"}): "v1"}
    return names.get(frozenset(kinds - {"tmpfs"}), "hybrid")


if __name__ == "__main__":
    main()
