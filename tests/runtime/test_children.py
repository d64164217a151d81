"""No zombie stays in the program that uses the library, whoever ends a container, and whether anyone waits or not."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pyrunc import LaunchFailed, Process, Runtime, Stdio
from pyrunc.children import _children, adopt, reap, sweep
from tests.runtime.conftest import Bundle

_DELETE = "import pyrunc, sys; pyrunc.Runtime(sys.argv[1]).delete('web', force=True)"


def children() -> set[int]:
    """Of this process, zombies included."""
    return {int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


@pytest.mark.parametrize("monitor", [False, True])
@pytest.mark.parametrize("stdio", [Stdio.null(), Stdio.pipes()], ids=["null", "pipes"])
def test_none_after_delete(runtime: Runtime, bundle: Bundle, monitor: bool, stdio: Stdio) -> None:
    runtime.create(
        "first", bundle.path, spec=bundle.spec("true"), stdio=Stdio.null()
    ).delete()  # opens pyrunc-init, for good
    before, descriptors = children(), len(os.listdir("/proc/self/fd"))
    container = runtime.create("web", bundle.path, spec=bundle.spec("true"), stdio=stdio, monitor=monitor)
    container.start()
    container.wait(10)
    container.delete()
    assert children() == before
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_none_when_another_process_deletes(runtime: Runtime, bundle: Bundle) -> None:
    """The monitor is this process's child, and only it can reap: at the latest when it next does anything."""
    before = children()
    spec = bundle.spec("sleep", "60")
    runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null(), monitor=True).start()
    subprocess.run([sys.executable, "-c", _DELETE, runtime.root], check=True)
    assert runtime.ids() == []
    other = runtime.create("other", bundle.path, spec=bundle.spec("true"), stdio=Stdio.null())
    other.delete()
    assert children() == before


@pytest.mark.parametrize("monitor", [False, True])
def test_none_of_a_create_that_fails(runtime: Runtime, bundle: Bundle, monitor: bool) -> None:
    before = children()
    for _ in range(20):
        with pytest.raises(LaunchFailed, match="console socket /nowhere"):
            runtime.create(
                "web", bundle.path, spec=bundle.spec("true", terminal=True), console_socket="/nowhere", monitor=monitor
            )
        assert children() == before


def test_none_of_an_exec_that_nobody_waits_for(runtime: Runtime, bundle: Bundle) -> None:
    container = runtime.create("web", bundle.path, spec=bundle.spec("sleep", "60"), stdio=Stdio.null())
    container.start()
    before = children()
    pid = container.exec(Process(args=("/bin/true",), cwd="/"), stdio=Stdio.null()).pid
    gc.collect()
    deadline = time.monotonic() + 5
    while children() != before and time.monotonic() < deadline:
        sweep()
        time.sleep(0.01)
    assert children() == before, f"process {pid} stayed"
    container.delete(force=True)


def test_a_foreign_wait_is_no_harm(runtime: Runtime, bundle: Bundle) -> None:
    """A host program that waits for any child takes a monitor's status: nothing is lost by it."""
    spec = bundle.spec("exit 3; :")
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null(), monitor=True)
    container.start()
    pid, _ = os.waitpid(-1, 0)
    assert pid > 0
    assert container.wait(10).code == 3
    container.delete()


def test_reap_waits_for_what_was_adopted_alone() -> None:
    pid = os.posix_spawn("/bin/sleep", ["sleep", "0.1"], os.environ)
    reap(pid)
    assert pid in children(), "not adopted"
    adopt(pid, os.pidfd_open(pid))
    sweep()
    assert pid in children(), "not ended"
    reap(pid, patience=5)
    assert pid not in children()


def test_a_fork_forgets_its_parents_children() -> None:
    pid = os.posix_spawn("/bin/sleep", ["sleep", "5"], os.environ)
    adopt(pid, os.pidfd_open(pid))
    read, write = os.pipe()
    fork = os.fork()
    if fork == 0:
        os.write(write, str(len(_children.pidfds)).encode())
        os._exit(0)
    os.waitpid(fork, 0)
    assert os.read(read, 10) == b"0"
    os.close(read)
    os.close(write)
    os.kill(pid, 9)
    reap(pid)
    assert pid not in children()
