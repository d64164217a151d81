"""What starting containers costs, counted in ways that no noise can change. Growth beyond a budget is to be explained, then written down here.

Times are never tested: `benchmarks` measures them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from attrs import evolve

from pyrunc import Container, Runtime, Spec, Stdio
from tests.runtime.conftest import Bundle

MODULES = {"--version": 30, "run": 93}
"""Imported by a command, beside what Python's own start imports."""

NEVER = {
    "attr",
    "enum",
    "json",
    "re",
    "signal",
    "threading",
    "typing",
    "argparse",
    "socket",
    "pathlib",
    "hashlib",
    "inspect",
    "logging",
    "subprocess",
    "importlib.metadata",
    "datetime",
}
"""Taken off the way of a container one by one: see benchmarks/README.md."""

CALLS = {"starter": 95, "container": 285}
"""System calls of pyrunc-init's two processes for the container below."""

BYTES_BESIDE_CONFIG = 2048
"""Kept in the state directory of a created container, beside config.json."""

PSS = 300 * 1024
"""Of a monitor (issue: a monitored idle container costs that beyond its own process)."""

CROWD = 25

_MODULES = """
import os, sys
before, end = set(sys.modules), os._exit
def leave(code):
    print(*set(sys.modules) - before, file=sys.stderr)
    end(code)
os._exit = leave
from pyrunc.cli import program
program()
"""

_LIFECYCLE = """
import sys
from pyrunc import Runtime, Spec, Stdio
container = Runtime(sys.argv[1], cgroup_manager="disabled").create("one", sys.argv[2], stdio=Stdio.null())
container.start()
code = container.wait().code
container.delete()
sys.exit(code)
"""


def plain(bundle: Bundle, *args: str) -> Spec:
    """Not dependent on the machine's cgroups: in none, and without a mount of them."""
    spec = bundle.spec(*args)
    mounts = tuple(mount for mount in spec.mounts if mount.type != "cgroup")
    return evolve(spec, mounts=mounts).with_linux(resources=None, cgroups_path="")


@pytest.mark.parametrize("command", MODULES)
def test_modules_of_a_command(command: str, bundle: Bundle, tmp_short: Path) -> None:
    bundle.write(plain(bundle, "true"))
    rest = ["run", "--bundle", str(bundle.path), "one"] if command == "run" else [command]
    line = ["--root", str(tmp_short / "state"), "--cgroup-manager", "disabled", *rest]
    # Without the site's startup files: what they import is the environment's, not ours.
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        [sys.executable, "-S", "-c", _MODULES, *line],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.split())
    assert "pyrunc.cli" in loaded
    assert loaded.isdisjoint(NEVER), loaded & NEVER
    assert len(loaded) <= MODULES[command], sorted(loaded)


def test_system_calls_of_a_container(bundle: Bundle, tmp_short: Path) -> None:
    bundle.write(plain(bundle, "true"))
    trace = tmp_short / "trace"
    script = [sys.executable, "-c", _LIFECYCLE, str(tmp_short / "state"), str(bundle.path)]
    subprocess.run(["strace", "-f", "-qq", "-o", str(trace), *script], check=True, timeout=60)
    calls = calls_by_process(trace.read_text(errors="replace"))
    _, starter, container = calls.values()  # in the order of their first call; the first is the caller
    assert {"starter": starter <= CALLS["starter"], "container": container <= CALLS["container"]} == {
        "starter": True,
        "container": True,
    }, calls


def calls_by_process(trace: str) -> dict[str, int]:
    """Calls up to the first execve of the container's own program, which is where ours end."""
    calls: dict[str, int] = {}
    ended: set[str] = set()
    for line in trace.splitlines():
        pid, _, call = line.partition(" ")
        call = call.strip()
        if pid in ended or not re.match(r"[a-z]", call):  # resumed ones, signals, exits
            continue
        calls[pid] = calls.get(pid, 0) + 1
        if call.startswith("execve(") and len(calls) > 1:
            ended.add(pid)
    return calls


def test_bytes_kept_of_a_container(runtime: Runtime, bundle: Bundle) -> None:
    container = runtime.create("one", bundle.path, spec=bundle.spec("sleep", "60"), stdio=Stdio.null(), monitor=True)
    try:
        files = [file for file in Path(runtime.root, "one").rglob("*") if file.is_file()]
        sizes = {file.name: file.stat().st_size for file in files}
        assert sizes["config.json"] < 16 * 1024
        assert sum(sizes.values()) - sizes["config.json"] <= BYTES_BESIDE_CONFIG, sizes
    finally:
        container.delete(force=True)


def test_a_crowd_of_idle_containers(runtime: Runtime, bundle: Bundle) -> None:
    """The short form of `python -m benchmarks.crowd`, which does it with 500."""
    with ExitStack() as stack:
        crowd = [idle(runtime, bundle, f"c{number}", stack) for number in range(CROWD)]
        monitors = [parent_of(container.pid) for container in crowd]
        assert len(set(monitors)) == CROWD
        assert max(map(pss, monitors)) <= PSS
    assert runtime.ids() == []


def idle(runtime: Runtime, bundle: Bundle, name: str, stack: ExitStack) -> Container:
    container = runtime.create(name, bundle.path, spec=bundle.spec("sleep", "600"), stdio=Stdio.pipes(), monitor=True)
    stack.callback(container.delete, force=True)
    container.start()
    return container


def parent_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("PPid:")[2].split()[0])


def pss(pid: int) -> int:
    """Bytes: its own pages, and its share of those that it shares."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(rollup.partition("\nPss:")[2].split()[0]) * 1024
