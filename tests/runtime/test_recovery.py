"""A container does not need who made it: makers are killed at every point, and others find what is there and can remove it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import pyrunc
from pyrunc import Runtime, Status, Stdio
from tests.runtime.conftest import Bundle, read_all

_MAKE = """
import os, sys, time
import pyrunc
runtime = pyrunc.Runtime(sys.argv[1])
container = runtime.create("web", sys.argv[2], stdio=pyrunc.Stdio.pipes(), monitor=sys.argv[3] == "monitor")
if sys.argv[4] == "start":
    container.start()
print("made", flush=True)
time.sleep(600)
"""


def make_and_kill(runtime: Runtime, bundle: Path, *, monitor: bool, start: bool = True) -> None:
    """In another process, which is killed once the container is there."""
    words = ["monitor" if monitor else "child", "start" if start else "create"]
    command = [sys.executable, "-c", _MAKE, runtime.root, str(bundle), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as maker:
        assert maker.stdout
        assert maker.stdout.readline() == "made\n"
        maker.kill()


def test_a_monitored_one_goes_on(runtime: Runtime, bundle: Bundle) -> None:
    bundle.write(bundle.spec("echo before; sleep 0.3; echo after; exit 6"))
    make_and_kill(runtime, bundle.path, monitor=True)
    (state,) = runtime.list()
    assert state.status is Status.RUNNING
    found = runtime.get("web")
    with found.streams() as streams:
        assert read_all(streams.stdout) == "before\nafter\n"
    ended = found.wait(10)
    assert (ended.code, ended.known) == (6, True)
    found.delete()


def test_its_end_is_known_if_nobody_was_there(runtime: Runtime, bundle: Bundle) -> None:
    bundle.write(bundle.spec("exit 6; :"))
    make_and_kill(runtime, bundle.path, monitor=True)
    found = runtime.get("web")
    deadline = time.monotonic() + 10
    while found.state().status is not Status.STOPPED and time.monotonic() < deadline:
        time.sleep(0.01)
    assert runtime.get("web").wait(1).code == 6
    with found.streams() as streams:
        assert read_all(streams.stdout) == ""
    found.delete()


def test_a_monitored_one_is_started_by_another(runtime: Runtime, bundle: Bundle) -> None:
    bundle.write(bundle.spec("exit 5; :"))
    make_and_kill(runtime, bundle.path, monitor=True, start=False)
    found = runtime.get("web")
    assert found.state().status is Status.CREATED
    found.start()
    assert found.wait(10).code == 5
    found.delete()


def test_one_without_a_monitor_goes_on_too(runtime: Runtime, bundle: Bundle) -> None:
    """Only its exit status is lost: it went to whoever reaps orphans."""
    bundle.write(bundle.spec("trap 'exit 3' TERM; while sleep 0.05; do :; done"))
    make_and_kill(runtime, bundle.path, monitor=False)
    found = runtime.get("web")
    assert found.state().status is Status.RUNNING
    found.kill("TERM")
    ended = found.wait(10)
    assert (ended.code, ended.known) == (255, False)
    found.delete()


@pytest.mark.parametrize("victim", ["process", "monitor"])
def test_a_killed_monitor_is_no_trap(runtime: Runtime, bundle: Bundle, victim: str) -> None:
    spec = bundle.spec("sleep", "60")
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.pipes(), monitor=True)
    container.start()
    assert container._handle
    monitor = container._handle.record.monitor
    assert monitor
    os.kill(monitor.pid if victim == "monitor" else container.pid, signal.SIGKILL)
    if victim == "monitor":
        deadline = time.monotonic() + 10
        while monitor.alive() and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.raises(pyrunc.ProcessGone):
            container.streams()
        container.kill("KILL")
    ended = container.wait(10)
    assert (ended.code, ended.known) == ((255, False) if victim == "monitor" else (137, True))
    container.delete()


_HALF = """
import os, signal, sys
import pyrunc, pyrunc.runtime, pyrunc.making, pyrunc.statedir
from pyrunc.cgroups import v1, v2
point = sys.argv[3]
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
def after(function):
    def call(*a, **k):
        function(*a, **k); die()
    return call
if point == "directory":
    pyrunc.runtime._write_down = die
elif point == "written":
    pyrunc.runtime._write_down = after(pyrunc.runtime._write_down)
elif point == "cgroup":
    for kind in (v1.CgroupV1, v2.CgroupV2): kind.prepare = after(kind.prepare)
elif point == "process":
    pyrunc.making.Made = die
pyrunc.Runtime(sys.argv[1]).create("web", sys.argv[2], stdio=pyrunc.Stdio.null(), monitor=sys.argv[4] == "monitor")
"""


@pytest.mark.parametrize("point", ["directory", "written", "cgroup", "process"])
@pytest.mark.parametrize("monitor", ["child", "monitor"])
def test_a_create_that_was_killed_can_be_deleted(runtime: Runtime, bundle: Bundle, point: str, monitor: str) -> None:
    bundle.write(bundle.spec("sleep", "60"))
    command = [sys.executable, "-c", _HALF, runtime.root, str(bundle.path), point, monitor]
    assert subprocess.run(command).returncode == -signal.SIGKILL
    assert runtime.ids() == ["web"]
    runtime.list()
    runtime.delete("web", force=True)
    assert runtime.ids() == []
    again = runtime.create("web", bundle.path, stdio=Stdio.null())
    again.delete()


def test_a_damaged_record_is_named_and_removed_by_force(runtime: Runtime, bundle: Bundle) -> None:
    container = runtime.create("web", bundle.path, spec=bundle.spec("sleep", "60"), stdio=Stdio.null())
    pid = container.pid
    file = Path(runtime.root, "web", "state.json")
    file.write_text('{"version": 1')
    with pytest.raises(pyrunc.StateError, match=r"web/state\.json.*delete the container with force"):
        runtime.get("web")
    assert runtime.list() == []
    with pytest.raises(pyrunc.StateError):
        runtime.delete("web")
    runtime.delete("web", force=True)
    os.waitpid(pid, 0)
    assert runtime.ids() == []


def test_a_missing_config_does_not_keep_it(runtime: Runtime, bundle: Bundle) -> None:
    container = runtime.create("web", bundle.path, spec=bundle.spec("sleep", "60"), stdio=Stdio.null())
    container.start()
    Path(runtime.root, "web", "config.json").unlink()
    runtime.delete("web", force=True)
    assert runtime.ids() == []
