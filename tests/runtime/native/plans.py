"""Plans written by hand, and the small root they run in: what the tests of the C core have instead of a compiler and bundles."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from pyrunc.launch import Launched
from pyrunc.plan import (
    Chdir,
    Clone,
    CloseFds,
    ExecVe,
    FindExecutable,
    Mkdev,
    Mount,
    OpenRoot,
    Operation,
    PivotRoot,
    Plan,
    SetNs,
    SetPropagation,
    SetSid,
    WaitStart,
)
from pyrunc.processes import WALL

NEWTIME, NEWNS, NEWCGROUP, NEWUTS = 0x80, 0x20000, 0x2000000, 0x4000000
NEWIPC, NEWUSER, NEWPID, NEWNET = 0x8000000, 0x10000000, 0x20000000, 0x40000000
USUAL = NEWNS | NEWUTS | NEWIPC | NEWPID | NEWNET
MS_SLAVE_REC = 0x80000 | 0x4000

APPLETS = ("cat", "chmod", "echo", "env", "grep", "hostname", "id", "ls", "mkdir", "mount", "pwd", "readlink")
MORE_APPLETS = ("sh", "sleep", "stat", "stty", "touch", "true", "tty", "umask", "wc")


def make_rootfs(directory: Path) -> Path:
    """A root of busybox and its links."""
    root = directory / "rootfs"
    for name in ("bin", "dev", "etc", "proc", "sys", "tmp"):
        (root / name).mkdir(parents=True)
    busybox = shutil.which("busybox")
    assert busybox, "install busybox-static"
    shutil.copy(busybox, root / "bin" / "busybox")
    for name in (*APPLETS, *MORE_APPLETS):
        (root / "bin" / name).symlink_to("busybox")
    return root


def dev() -> tuple[Operation, ...]:
    """/proc, and /dev with a terminal multiplexer and /dev/null."""
    pts = ("newinstance", "ptmxmode=0666", "mode=0620")
    return (
        Mount(path="proc", fstype="proc", device="proc", parameters=(), attributes=0, target="/proc"),
        Mount(path="dev", fstype="tmpfs", device="tmpfs", parameters=("mode=755",), attributes=2, target="/dev"),
        Mount(path="pts", fstype="devpts", device="devpts", parameters=pts, attributes=2, target="/dev/pts"),
        Mkdev(target="/dev/null", mode=0o20666, major=1, minor=3, uid=0, gid=0),
    )


def container(
    root: Path,
    command: Sequence[str] | str,
    *,
    clone: Clone | None = None,
    first: Sequence[Operation] = (),
    mounts: Sequence[Operation] | None = None,
    late: Sequence[Operation] = (),
    gate: bool = False,
    env: Sequence[str] = ("PATH=/bin",),
    keep: int = 0,
) -> Plan:
    """A whole container; a ``command`` of one string is for the shell. ``gate``: slots 0 and 1 are the fifos."""
    argv = ("sh", "-c", command) if isinstance(command, str) else tuple(command)
    wait = (WaitStart(path="start", gate=0, report=1),) if gate else ()
    return Plan(
        (
            clone or Clone(path="linux.namespaces", flags=USUAL),
            *first,
            SetSid(),
            SetPropagation(source="/", flags=MS_SLAVE_REC),
            OpenRoot(path="root.path", source=str(root)),
            *(dev() if mounts is None else mounts),
            PivotRoot(),
            Chdir(directory="/"),
            *late,
            CloseFds(keep=keep),
            FindExecutable(path="process.args", name=argv[0], search="/bin"),
            *wait,
            ExecVe(path="process.args", argv=argv, env=tuple(env)),
        )
    )


def exec_plan(command: str, *, kinds: int = USUAL, late: Sequence[Operation] = ()) -> Plan:
    """A process in the namespaces of the one whose pidfd is slot 0."""
    argv = ("sh", "-c", command)
    return Plan(
        (
            SetNs(path="exec", slot=0, kind=kinds),
            Clone(flags=0),
            SetSid(),
            *late,
            CloseFds(),
            FindExecutable(name="sh", search="/bin"),
            ExecVe(argv=argv, env=("PATH=/bin",)),
        )
    )


def wait(launched: Launched) -> int:
    """The exit code, 128 + n after a signal; for a process without a monitor. Closes its pidfd."""
    result = os.waitid(os.P_PIDFD, launched.pidfd, os.WEXITED | WALL)
    os.close(launched.pidfd)
    assert result is not None
    return result.si_status if result.si_code == os.CLD_EXITED else 128 + result.si_status


def read_all(fd: int) -> str:
    """Until its end; closes it."""
    with open(fd, "rb") as file:
        return file.read().decode()
