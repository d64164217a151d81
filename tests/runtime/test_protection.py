"""What a container cannot reach: the runtime's own program, the caller's descriptors, the machine's secrets, more privileges."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

import pyrunc
from pyrunc import Process, Runtime, Stdio
from tests.runtime.conftest import Bundle, Outcome, read_all

ALL_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
BOTH = pytest.mark.parametrize("monitor", [False, True], ids=["child", "monitored"])


@BOTH
def test_a_waiting_container_is_a_sealed_copy(runtime: Runtime, bundle: Bundle, monitor: bool) -> None:
    """What /proc/self/exe leads to can be read and executed, and never written (CVE-2019-5736)."""
    container = runtime.create("web", bundle.path, spec=bundle.spec("true"), stdio=Stdio.null(), monitor=monitor)
    exe = f"/proc/{container.pid}/exe"
    assert os.readlink(exe) == "/memfd:pyrunc-init (deleted)"
    descriptor = os.open(exe, os.O_RDONLY)
    try:
        assert fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & ALL_SEALS == ALL_SEALS
    finally:
        os.close(descriptor)
    with pytest.raises(OSError, match=r"Text file busy|not permitted"):
        os.close(os.open(exe, os.O_WRONLY))
    container.delete()


@BOTH
def test_a_waiting_container_shows_nothing_of_its_maker(runtime: Runtime, bundle: Bundle, monitor: bool) -> None:
    """No Python, no environment, no directory of the host among its descriptors; other users may not even look."""
    os.environ["SECRET_OF_THE_CALLER"] = "x"
    try:
        container = runtime.create("web", bundle.path, spec=bundle.spec("true"), stdio=Stdio.null(), monitor=monitor)
    finally:
        del os.environ["SECRET_OF_THE_CALLER"]
    proc = Path(f"/proc/{container.pid}")
    assert b"SECRET" not in (proc / "environ").read_bytes()
    assert "python" not in (proc / "maps").read_text()
    opened = {entry.name: os.readlink(entry) for entry in (proc / "fd").iterdir()}
    inside = {line.split()[0] for line in (proc / "mountinfo").read_text().splitlines()}
    outside = [target for number, target in opened.items() if _mount_of(container.pid, number) not in inside]
    gate = [f"{runtime.root}/web/start", f"{runtime.root}/web/started"]
    assert sorted(target for target in outside if target != "/dev/null") == gate
    looking = {"preexec_fn": lambda: os.setresuid(1000, 1000, 1000)}
    seen = subprocess.run(["ls", f"{proc}/fd"], capture_output=True, **looking)  # type: ignore[call-overload]
    assert seen.returncode != 0
    container.delete()


def _mount_of(pid: int, descriptor: str) -> str:
    """The id of the mount that the descriptor's file was reached by (proc_pid_fdinfo(5))."""
    lines = Path(f"/proc/{pid}/fdinfo/{descriptor}").read_text().splitlines()
    (found,) = (line.split()[1] for line in lines if line.startswith("mnt_id:"))
    return found


@pytest.mark.parametrize("descriptor", range(3, 24))
def test_a_working_directory_by_descriptor_leads_nowhere(runtime: Runtime, bundle: Bundle, descriptor: int) -> None:
    """CVE-2024-21626: while the container is made, some descriptors are of the host; none may become its working directory."""
    cwd = f"/proc/self/fd/{descriptor}"
    with pytest.raises(pyrunc.OperationFailed, match=r"process\.cwd"):
        runtime.create("web", bundle.path, spec=bundle.spec("true").with_process(cwd=cwd), stdio=Stdio.null())
    container = runtime.create("web", bundle.path, spec=bundle.spec("sleep", "60"), stdio=Stdio.null())
    container.start()
    with pytest.raises(pyrunc.OperationFailed, match=r"process\.cwd"):
        container.exec(Process(args=("/bin/true",), cwd=cwd), stdio=Stdio.null())
    container.delete(force=True)


@BOTH
def test_no_descriptor_leaks(runtime: Runtime, bundle: Bundle, monitor: bool) -> None:
    """Neither into the container nor into an exec, also of those that the caller left inheritable."""
    read, write = os.pipe()
    os.set_inheritable(read, True)
    os.set_inheritable(write, True)
    listing = "ls -l /proc/self/fd | sed -n 's/.* \\([0-9]*\\) -> /\\1 /p'"
    container = runtime.create(
        "web", bundle.path, spec=bundle.spec(f"{listing}; sleep 60"), stdio=Stdio.pipes(), monitor=monitor
    )
    container.start()
    own = container.spec().process
    assert own
    started = container.exec(evolve(own, args=("sh", "-c", listing)), stdio=Stdio.pipes(), monitor=monitor)
    with started.streams() as streams:
        in_exec = read_all(streams.stdout)
    started.wait(10)
    started.delete()
    with container.streams() as streams:
        assert streams.stdout is not None
        in_container = os.read(streams.stdout, 4096).decode()
    for seen in (in_container, in_exec):
        lines = seen.splitlines()
        assert [line.split()[0] for line in lines] == ["0", "1", "2"], seen
    container.delete(force=True)
    os.close(read)
    os.close(write)


def test_masked_and_read_only_paths(outcome: Callable[..., Outcome], bundle: Bundle) -> None:
    commands = [
        "cat /proc/kcore /proc/keys /proc/timer_list | wc -c",
        "ls /sys/firmware /proc/scsi 2>/dev/null | grep -v : | wc -w",
        "echo 1 >/proc/sys/vm/drop_caches",
        "echo b >/proc/sysrq-trigger",
        "echo x >/sys/kernel/profiling",
        "mount -t tmpfs none /tmp",
        "touch /file",
        "true",
    ]
    code, output, errors = outcome(bundle.spec("; ".join(commands)))
    assert (code, output) == (0, "0\n0\n")
    there = [place for place in ("/proc/sys/vm/drop_caches", "/proc/sysrq-trigger") if Path(place).exists()]
    for place in (*there, "/file"):
        assert f"{place}: Read-only file system" in errors
    assert "mount" in errors


def test_a_mask_does_not_lead_to_the_null_device_of_the_host(outcome: Callable[..., Outcome], bundle: Bundle) -> None:
    """Root of a container, who may change the mode and owner of any file, tries it on what lies over a masked path."""
    rights = ("CAP_CHOWN", "CAP_FOWNER", "CAP_DAC_OVERRIDE")
    granted = pyrunc.Capabilities(bounding=rights, effective=rights, permitted=rights)
    attack = "chmod 600 /dev/shm && chmod 600 /proc/keys; chown 1 /proc/keys; touch /proc/keys; echo x >/proc/keys && echo wrote"
    before = os.stat("/dev/null")
    try:
        _, output, errors = outcome(bundle.spec(attack).with_process(capabilities=granted))
        after = os.stat("/dev/null")
    finally:
        os.chmod("/dev/null", 0o666)
        os.chown("/dev/null", 0, 0)
    assert (after.st_mode, after.st_uid, after.st_mtime_ns) == (before.st_mode, before.st_uid, before.st_mtime_ns)
    assert output == "wrote\n", "it still is a null device"
    assert errors.count("/proc/keys: Read-only file system") == 3, errors


@pytest.mark.parametrize("uid", [0, 1000])
def test_the_process_in_front_of_the_program_cannot_be_taken_over(
    outcome: Callable[..., Outcome], bundle: Bundle, uid: int
) -> None:
    """--init: process 1 has not executed anything, so nothing of it may be seen, nor may it keep rights that the program has not."""
    rights = ("CAP_KILL", "CAP_SETUID", "CAP_NET_RAW")
    granted = pyrunc.Capabilities(bounding=rights, effective=rights, permitted=rights)
    look = "cat /proc/1/comm; for link in exe root cwd; do readlink /proc/1/$link; done; cat /proc/1/exe /proc/1/maps /proc/1/mem; true >/proc/1/mem"
    caps = "grep -h 'Cap[PE]' /proc/1/status; grep -h 'Cap[PE]' /proc/self/status"
    spec = bundle.spec(f"{look}; {caps}").with_process(capabilities=granted).with_user(uid, uid)
    code, output, errors = outcome(spec, init=True)
    name, *masks = output.split()
    assert (code, name) == (0, "pyrunc-init"), errors
    assert masks[:4] == masks[4:], "the rights of process 1, and of the program"
    assert int(masks[1], 16) == (0 if uid else 1 << 5 | 1 << 7 | 1 << 13)


def test_masks_cannot_be_taken_off(outcome: Callable[..., Outcome], bundle: Bundle) -> None:
    """With the right to mount, what is mounted over is still there for good reason: the mask lies in a namespace that it owns, yet
    below it is nothing of the host's root."""
    every = ("CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE")
    granted = pyrunc.Capabilities(bounding=every, effective=every, permitted=every)
    spec = bundle.spec("umount /proc/kcore; ls /.. | wc -l; ls /../.. | wc -l; ls / | wc -l").with_process(
        capabilities=granted
    )
    _, output, _ = outcome(spec)
    assert len(set(output.split())) == 1, "above the root there is only the root"


def test_no_new_privileges(outcome: Callable[..., Outcome], bundle: Bundle, own_root: Path) -> None:
    """A setuid program gives no rights; it would without the flag."""
    (own_root / "bin/rootish").write_bytes((own_root / "bin/busybox").read_bytes())
    (own_root / "bin/rootish").chmod(0o4755)
    (own_root / "bin/id").unlink()
    (own_root / "bin/id").symlink_to("rootish")
    spec = bundle.spec("grep NoNewPrivs /proc/self/status; id -u").with_root(own_root).with_user(1000, 1000)
    _, output, _ = outcome(spec)
    assert output.split() == ["NoNewPrivs:", "1", "1000"]
    _, output, _ = outcome(spec.with_process(no_new_privileges=False))
    assert output.split()[:2] == ["NoNewPrivs:", "0"]


def test_capabilities_are_those_given_and_no_more(outcome: Callable[..., Outcome], bundle: Bundle) -> None:
    _, output, _ = outcome(bundle.spec("grep Cap /proc/self/status; chown 1:1 /tmp; hostname x"))
    masks = {line.split()[0]: int(line.split()[1], 16) for line in output.splitlines()}
    given = 1 << 29 | 1 << 5 | 1 << 10  # audit write, kill, bind to low ports
    assert masks == {"CapInh:": 0, "CapPrm:": given, "CapEff:": given, "CapBnd:": given, "CapAmb:": 0}


def test_the_caller_is_not_slowed_by_its_size(runtime: Runtime, bundle: Bundle) -> None:
    """No copy of the caller's page tables: its memory, however large, is not seen in the children."""
    ballast = bytearray(64 << 20)
    ballast[::4096] = b"x" * len(ballast[::4096])
    container = runtime.create("web", bundle.path, spec=bundle.spec("true"), stdio=Stdio.null(), monitor=True)
    assert container._handle
    monitor = container._handle.record.monitor
    assert monitor
    for pid in (container.pid, monitor.pid):
        status = Path(f"/proc/{pid}/status").read_text()
        (resident,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        assert resident < 1024, f"{resident} KiB"
    del ballast
    container.delete()


def test_exec_shows_the_container_nothing_of_the_host(runtime: Runtime, bundle: Bundle) -> None:
    """While an exec joins, processes of the container look at all of /proc again and again, and find no way out."""
    look = "for p in /proc/[0-9]*; do readlink $p/exe; readlink $p/cwd; ls $p/root; done"
    spy = f"until [ -e /dev/shm/enough ]; do {look}; done 2>/dev/null"
    spec = bundle.spec(f"{spy} | sort -u | head -c 100000; true")
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.pipes())
    container.start()
    for _ in range(20):
        started = container.exec(Process(args=("/bin/true",), cwd="/"), stdio=Stdio.null())
        started.wait(10)
    container.exec(Process(args=("/bin/touch", "/dev/shm/enough"), cwd="/"), stdio=Stdio.null()).wait(10)
    with container.streams() as streams:
        seen = read_all(streams.stdout)
    container.wait(10)
    assert "/bin/busybox" in seen.split(), "the spy did look"
    assert sys.executable not in seen
    assert not set(seen.split()) & (set(os.listdir("/")) - set(os.listdir(bundle.root))), "the host's root"
    container.delete()
