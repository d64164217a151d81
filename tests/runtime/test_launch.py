"""launch(): containers from plans written by hand, and what their processes see."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrunc.errors import ExecutableNotFound, HookFailed, LaunchFailed, OperationFailed, ProcessGone
from pyrunc.launch import Launched, launch, start_gate
from pyrunc.plan import (
    BecomeRoot,
    Bind,
    Chdir,
    Clone,
    DropBounding,
    ExecVe,
    Hook,
    LoadSeccomp,
    LoopbackUp,
    MaskPath,
    Mkdev,
    Mount,
    MountAt,
    NoNewPrivileges,
    OpenConsole,
    Operation,
    Plan,
    ReadonlyPath,
    RootReadonly,
    SetCapabilities,
    SetHostname,
    SetRlimit,
    SetUmask,
    SetUser,
    Symlink,
    Sync,
    WriteProc,
)
from tests.runtime.native.plans import (
    NEWNS,
    NEWPID,
    NEWTIME,
    NEWUSER,
    USUAL,
    container,
    dev,
    exec_plan,
    make_rootfs,
    read_all,
    wait,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_rootfs(tmp_path)


@pytest.fixture(autouse=True)
def no_child_left() -> Iterator[None]:
    """No child of a test stays behind, not even for a moment, as tests/conftest.py would allow."""
    launch_once()
    before = children()
    yield
    assert children() <= before


def children() -> set[str]:
    """Pids of all children of this process, zombies too (proc_pid_task(5))."""
    return {pid for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()}


def launch_once() -> None:
    """The memfd of the program is made once and stays open."""
    plan = Plan((Clone(flags=0), ExecVe(argv=("none",), env=())))
    with pytest.raises(OperationFailed):
        launch(plan, stdio=(0, 1, 2))


def run(plan: Plan, *, fds: tuple[int, ...] = (), preserve: tuple[int, ...] = ()) -> tuple[int, str]:
    """Exit code and output."""
    null = os.open("/dev/null", os.O_RDWR)
    out, end = os.pipe()
    try:
        launched = launch(plan, stdio=(null, end, end), fds=fds, preserve=preserve)
    except BaseException:
        os.close(out)
        raise
    finally:
        os.close(null)
        os.close(end)
    text = read_all(out)
    return wait(launched), text


def output(plan: Plan) -> str:
    code, text = run(plan)
    assert code == 0, text
    return text


def start(plan: Plan, **more: object) -> Launched:
    null = os.open("/dev/null", os.O_RDWR)
    try:
        return launch(plan, stdio=(null, null, null), **more)  # type: ignore[arg-type]
    finally:
        os.close(null)


# -- the ordinary -------------------------------------------------------------------------------------------------------------------


def test_exit_code_and_output(root: Path) -> None:
    assert run(container(root, "echo out; echo err >&2; exit 7")) == (7, "out\nerr\n")


def test_new_namespaces(root: Path) -> None:
    kinds = ("mnt", "uts", "ipc", "pid", "net")
    text = output(container(root, "cd /proc/self/ns; for n in mnt uts ipc pid net; do readlink $n; done"))
    own = [os.readlink(f"/proc/self/ns/{kind}") for kind in kinds]
    assert len(text.split()) == len(own)
    assert not set(text.split()) & set(own)


def test_only_its_own_root(root: Path) -> None:
    (root.parent / "secret").touch()
    text = output(container(root, "ls / ; ls -d /../..; cat /proc/self/mountinfo | wc -l; cat /proc/self/mountinfo"))
    assert text.split()[:5] == ["bin", "dev", "etc", "proc", "sys"]
    assert "\n4\n" in text, "its root, and the three of the plan"


def test_hostname_limits_umask_and_sysctl(root: Path) -> None:
    late = (
        SetHostname(name="inside"),
        SetRlimit(resource=7, soft=100, hard=200),
        SetUmask(mask=0o027),
        WriteProc(name="sys/net/ipv4/ip_forward", value="1"),
        WriteProc(name="self/oom_score_adj", value="500"),
        LoopbackUp(),
    )
    text = output(
        container(
            root,
            "hostname; umask; ulimit -n; ulimit -Hn; cat /proc/sys/net/ipv4/ip_forward /proc/self/oom_score_adj; "
            "cat /proc/net/dev | grep -c lo:",
            late=late,
        )
    )
    assert text.split() == ["inside", "0027", "100", "200", "1", "500", "1"]


def test_the_default_umask_is_that_of_the_peers(root: Path) -> None:
    assert output(container(root, "umask")) == "0022\n"


def test_user_groups_and_capabilities(root: Path) -> None:
    few = 1 << 10 | 1 << 0  # CAP_NET_BIND_SERVICE, CAP_CHOWN
    late = (
        DropBounding(keep=few | 1 << 6),
        SetUser(uid=1000, gid=1001, groups=(4, 24)),
        SetCapabilities(effective=few, permitted=few, inheritable=few, ambient=1 << 10),
        NoNewPrivileges(),
    )
    text = output(container(root, "id -u; id -g; id -G; grep -E '^(Cap|NoNew)' /proc/self/status", late=late))
    lines = text.splitlines()
    assert lines[:3] == ["1000", "1001", "1001 4 24"]
    assert dict(line.split(":\t") for line in lines[3:]) == {
        "CapInh": f"{few:016x}",
        "CapPrm": f"{1 << 10:016x}",  # of a user's, exec leaves the ambient ones
        "CapEff": f"{1 << 10:016x}",
        "CapBnd": f"{few | 1 << 6:016x}",
        "CapAmb": f"{1 << 10:016x}",
        "NoNewPrivs": "1",
    }


def test_signals_start_afresh(root: Path) -> None:
    """Python ignores SIGPIPE; a caller may block what it likes. Neither is the container's business."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
    try:
        text = output(container(root, ["grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"]))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert text == "".join(f"Sig{name}:\t{0:016x}\n" for name in ("Blk", "Ign", "Cgt"))


def test_no_descriptor_but_stdio_and_the_preserved(root: Path) -> None:
    low, high = os.pipe()
    moved = fcntl.fcntl(low, fcntl.F_DUPFD, 200)  # inheritable, and not handed over
    try:
        command = "cd /proc/self/fd; for n in 0 1 2 3 4 5 6 7 8 9; do [ -e $n ] && echo $n $(readlink $n); done; true"
        code, text = run(container(root, command, keep=2), preserve=(high, low))
        assert code == 0
        number = os.readlink(f"/proc/self/fd/{low}")
        assert [line for line in text.splitlines() if line[0] > "2"] == [f"3 {number}", f"4 {number}"]
        code, text = run(container(root, ["ls", "/proc/self/fd"]))
        assert text.split() == ["0", "1", "2", "3"], "3 is ls's own"
    finally:
        for fd in (low, high, moved):
            os.close(fd)


def test_descriptors_that_are_in_each_others_way(root: Path) -> None:
    """Sources with the numbers of other targets: 0, 1 and 2 permuted, and the internal ones' places taken."""
    text = "import os; from tests.runtime.test_launch import *; from pathlib import Path\n"
    text += "a, b = (fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in os.pipe()); os.dup2(b, 0); os.dup2(0, 7); [os.dup2(b, n) for n in (3, 4, 5, 6)]\n"
    text += "null = fcntl.fcntl(os.open('/dev/null', 2), fcntl.F_DUPFD, 20)\n"
    text += f"l = launch(container(Path({str(root)!r}), 'echo yes'), stdio=(null, 0, 1), preserve=(6, 5, 4, 3))\n"
    text += "[os.close(n) for n in (0, 3, 4, 5, 6, 7, b)]\n"
    text += "os.write(2, os.read(a, 9)); os._exit(wait(l))"
    result = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "yes\n")


def test_from_many_threads_at_once(root: Path) -> None:
    seen: list[tuple[int, str]] = []

    def several(number: int) -> None:
        for _ in range(5):
            seen.append(run(container(root, f"echo {number}; exit {number}")))  # noqa: PERF401

    threads = [threading.Thread(target=several, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == sorted((n, f"{n}\n") for n in range(6) for _ in range(5))


# -- the file system ------------------------------------------------------------------------------------------------------------------


def test_bind_mounts_of_files_and_directories(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    (tmp_path / "directory").mkdir()
    binds = (
        Bind(source=str(tmp_path / "file"), target="/new/sub/file", recursive=False, set_attributes=1),
        Bind(source=str(tmp_path / "directory"), target="/also/new", recursive=True),
    )
    command = "cat /new/sub/file; touch /also/new/made; touch /new/sub/file 2>/dev/null || echo read-only"
    assert output(container(root, command, mounts=(*dev(), *binds))) == "contentread-only\n"
    assert (tmp_path / "directory" / "made").exists()


def test_symlinks_of_the_image_stay_inside(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "escape").symlink_to(f"../../../../../..{outside}")
    (root / "absolute").symlink_to("/tmp")
    mounts = (
        *dev(),
        Mount(fstype="tmpfs", device="a", parameters=(), attributes=0, target="/absolute"),
        Symlink(link="x", target="/absolute/link"),
    )
    assert output(container(root, "ls /tmp", mounts=mounts)) == "link\n"
    mount = Mount(fstype="tmpfs", device="a", parameters=(), attributes=0, target="/escape/dir")
    assert output(container(root, "echo made", mounts=(*dev(), mount))) == "made\n"
    assert not list(outside.iterdir())
    assert (root / str(outside)[1:] / "dir").is_dir(), "what the link names, but inside"


@pytest.mark.parametrize("fstype", ["proc", "sysfs"])
def test_procfs_and_sysfs_are_not_mounted_through_a_symlink(root: Path, fstype: str) -> None:
    (root / "real").mkdir()
    (root / "link").symlink_to("real")
    for target in ("/link", "/link/below"):
        mount = Mount(path="mounts[0]", fstype=fstype, device="x", parameters=(), attributes=0, target=target)
        with pytest.raises(OperationFailed) as caught:
            start(container(root, "true", mounts=(mount,)))
        assert caught.value.errno == errno.ELOOP
        assert target in str(caught.value)


def test_masked_and_read_only_paths(root: Path) -> None:
    (root / "etc" / "file").write_text("secret")
    (root / "etc" / "directory").mkdir()
    (root / "etc" / "directory" / "file").write_text("secret")
    (root / "tmp" / "sub").mkdir()
    (root / "bin" / "tool").write_text("not to be seen")
    late = (
        MaskPath(target="/etc/file"),
        MaskPath(target="/etc/directory"),
        MaskPath(target="/bin/tool"),
        MaskPath(target="/proc/fs"),
        MaskPath(target="/etc/not/there"),
        MaskPath(target="/etc/file/below"),
        ReadonlyPath(target="/tmp"),
        ReadonlyPath(target="/not/there"),
    )
    command = (
        "cat /etc/file; ls /etc/directory /proc/fs; touch /tmp/sub/x /etc/directory/x 2>&1; stat -c %t:%T /etc/file"
    )
    code, text = run(container(root, command, late=late))
    assert (code, text.count("Read-only file system")) == (0, 2)
    assert text.endswith("1:3\n")
    assert "secret" not in text


def test_read_only_root_leaves_mounts_writable(root: Path) -> None:
    command = "touch /x 2>/dev/null || touch /dev/x && echo ok"
    assert output(container(root, command, late=(RootReadonly(),))) == "ok\n"


def test_copy_up(root: Path) -> None:
    (root / "etc" / "sub").mkdir(mode=0o750)
    (root / "etc" / "sub" / "file").write_text("text")
    os.chown(root / "etc" / "sub" / "file", 7, 8)
    (root / "etc" / "link").symlink_to("/nowhere")
    os.mknod(root / "etc" / "pipe", 0o10640)
    mount = Mount(fstype="tmpfs", device="t", parameters=(), attributes=0, target="/etc", copy_up=True)
    command = "cd /etc; cat sub/file; readlink link; stat -c '%n %a %u %g %F' sub sub/file pipe; echo new > sub/file"
    assert output(container(root, command, mounts=(*dev(), mount))).splitlines() == [
        "text/nowhere",
        "sub 750 0 0 directory",
        "sub/file 644 7 8 regular file",
        "pipe 640 0 0 fifo",
    ]
    assert (root / "etc" / "sub" / "file").read_text() == "text"


def test_a_root_of_many_layers(root: Path, tmp_path: Path) -> None:
    """More options than one fsconfig(2) takes; and nothing of it is seen on the host."""
    lowers = [root]
    for n in range(12):
        lower = tmp_path / f"a-rather-long-name-of-layer-{n}"
        lower.mkdir()
        (lower / f"layer{n}").touch()
        lowers.append(lower)
    (tmp_path / "upper").mkdir()
    (tmp_path / "work").mkdir()
    merged = tmp_path / "merged"
    merged.mkdir()
    options = (
        "lowerdir=" + ":".join(map(str, lowers)),
        f"upperdir={tmp_path}/upper",
        f"workdir={tmp_path}/work",
    )
    piece = MountAt(fstype="overlay", origin="overlay", parameters=options, attributes=0, source=str(merged))
    plan = container(merged, "ls /; touch /written")
    operations = list(plan.operations)
    operations.insert(3, piece)
    text = output(Plan(tuple(operations)))
    assert {f"layer{n}" for n in range(12)} < set(text.split())
    assert (tmp_path / "upper" / "written").exists()
    assert not list(merged.iterdir())


def test_devices(root: Path) -> None:
    devices = (
        Mkdev(target="/dev/zero", mode=0o20640, major=1, minor=5, uid=3, gid=4),
        Mkdev(target="/dev/bound", mode=0o20666, major=0, minor=0, uid=0, gid=0, bind=True, source="/dev/full"),
    )
    command = "stat -c '%a %u %g %t:%T' /dev/zero; stat -c %t:%T /dev/bound"
    assert output(container(root, command, mounts=(*dev(), *devices))) == "640 3 4 1:5\n1:7\n"


# -- failures -----------------------------------------------------------------------------------------------------------------------


def test_a_failure_names_the_operation(root: Path) -> None:
    wrong = Mount(path="mounts[3]", fstype="tmpfs", device="t", parameters=("nonsense=1",), attributes=0, target="/tmp")
    with pytest.raises(OperationFailed) as caught:
        start(container(root, "true", mounts=(*dev(), wrong)))
    assert caught.value.operation is wrong
    assert caught.value.errno == errno.EINVAL
    assert "nonsense" in caught.value.detail
    assert str(caught.value).startswith("mounts[3] ")


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        (Bind(path="p", source="/not/there", target="/x", recursive=False), errno.ENOENT),
        (Mount(path="p", fstype="nosuchfs", device="", parameters=(), attributes=0, target="/x"), errno.ENODEV),
        (Mkdev(path="p", target="/bin/sh", mode=0o20666, major=1, minor=3, uid=0, gid=0), errno.EEXIST),
        (Mkdev(path="p", target="/", mode=0o20666, major=1, minor=3, uid=0, gid=0), errno.EINVAL),
        (Chdir(path="p", directory="/not/there"), errno.ENOENT),
        (SetRlimit(path="p", resource=99, soft=1, hard=1), errno.EINVAL),
        (LoadSeccomp(path="p", program=b"odd"), errno.EINVAL),
        (WriteProc(path="p", name="sys/kernel/../../self/mem", value="x"), errno.EIO),
        (WriteProc(path="p", name="../etc/passwd", value="x"), errno.EXDEV),
    ],
)
def test_each_kind_of_failure(root: Path, operation: Operation, code: int) -> None:
    with pytest.raises(OperationFailed) as caught:
        start(container(root, "true", mounts=(*dev(), operation)))
    assert (caught.value.operation, errno.errorcode[caught.value.errno]) == (operation, errno.errorcode[code])


def test_a_root_that_is_no_directory(root: Path) -> None:
    with pytest.raises(OperationFailed, match=r"root\.path.*ENOTDIR"):
        start(container(root / "bin" / "busybox", "true"))
    (root.parent / "link").symlink_to(root)
    with pytest.raises(OperationFailed, match=r"root\.path"):
        start(container(root.parent / "link", "true"))


def test_a_missing_command(root: Path) -> None:
    with pytest.raises(ExecutableNotFound, match="executable file not found in"):
        start(container(root, ["nonesuch"]))


def test_a_working_directory_outside_of_the_root(root: Path) -> None:
    """CVE-2024-21626: a leaked descriptor of a host directory as working directory."""
    leaked = os.open("/", os.O_RDONLY)
    try:
        plan = container(root, "pwd", late=(Chdir(path="process.cwd", directory="/proc/self/fd/3"),), keep=1)
        with pytest.raises(OperationFailed, match=r"process\.cwd.*outside"):
            run(plan, preserve=(leaked,))
    finally:
        os.close(leaked)


def test_a_plan_that_makes_no_sense(root: Path) -> None:
    with pytest.raises(LaunchFailed, match="ExecVe is not the last"):
        start(Plan((Clone(flags=0), SetHostname(name="x"))))


def test_when_it_is_killed_on_the_way(root: Path) -> None:
    def kill(_: str, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    with pytest.raises(LaunchFailed):
        start(container(root, "true", first=(Sync(point="createRuntime"),)), on_sync=kill)


def test_a_caller_that_dies_leaves_nothing(root: Path) -> None:
    """Killed while the process waits for a hook: nobody would ever start it."""
    code = "import os, sys, time; from pathlib import Path; from tests.runtime.test_launch import *\n"
    code += "def stop(_, pid): print(pid, flush=True); time.sleep(60)\n"
    code += f"start(container(Path({str(root)!r}), 'sleep 60', first=(Sync(point='x'),)), on_sync=stop)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as caller:
        assert caller.stdout
        pid = int(caller.stdout.readline())
        watch = os.pidfd_open(pid)
        caller.kill()
    try:
        import select

        assert select.select([watch], [], [], 5)[0], "the container process lives on"
    finally:
        os.close(watch)


# -- create and start -----------------------------------------------------------------------------------------------------------------


class Gate:
    """A state directory with the two fifos."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "state"
        self.path.mkdir()
        for name in ("start", "started"):
            os.mkfifo(self.path / name, 0o600)
        self.directory = os.open(self.path, os.O_RDONLY)
        self.fds = tuple(os.open(self.path / name, os.O_RDWR | os.O_CLOEXEC) for name in ("start", "started"))

    def let_go(self) -> None:
        for fd in self.fds:
            os.close(fd)

    def close(self) -> None:
        os.close(self.directory)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path)
    yield gate
    gate.close()


def test_it_waits_for_start(root: Path, gate: Gate) -> None:
    out, end = os.pipe()
    launched = launch(container(root, "echo started", gate=True), stdio=(0, end, end), fds=gate.fds, label="name")
    gate.let_go()
    os.close(end)
    assert Path(f"/proc/{launched.pid}/cmdline").read_bytes().startswith(b"pyrunc-init: created name\0")
    start_gate(gate.directory)
    assert read_all(out) == "started\n"
    assert wait(launched) == 0
    assert not list(gate.path.iterdir())
    with pytest.raises(ProcessGone):
        start_gate(gate.directory)


def test_start_reports_what_execve_says(root: Path, gate: Gate) -> None:
    (root / "bin" / "odd").write_text("no program at all\n")
    (root / "bin" / "odd").chmod(0o755)
    plan = container(root, ["odd"], gate=True)
    launched = start(plan, fds=gate.fds)
    gate.let_go()
    with pytest.raises(OperationFailed) as caught:
        start_gate(gate.directory, lambda: plan)
    assert (caught.value.errno, type(caught.value.operation)) == (errno.ENOEXEC, ExecVe)
    assert wait(launched) == 1


def test_start_of_one_that_was_killed(root: Path, gate: Gate) -> None:
    launched = start(container(root, "true", gate=True), fds=gate.fds)
    gate.let_go()
    os.kill(launched.pid, signal.SIGKILL)
    assert wait(launched) == 137
    with pytest.raises(ProcessGone):
        start_gate(gate.directory)


def test_the_program_can_not_be_reached_from_inside(root: Path, gate: Gate) -> None:
    """CVE-2019-5736: what /proc/PID/exe of a waiting container leads to is a memfd that nobody can write."""
    launched = start(container(root, "true", gate=True), fds=gate.fds)
    gate.let_go()
    exe = f"/proc/{launched.pid}/exe"
    assert os.readlink(exe).startswith("/memfd:pyrunc-init")
    with pytest.raises(OSError, match=r"Text file busy|not permitted") as caught:
        os.close(os.open(exe, os.O_WRONLY))
    assert caught.value.errno in (errno.ETXTBSY, errno.EPERM)
    fd = os.open(exe, os.O_RDONLY)
    assert fcntl.fcntl(fd, fcntl.F_GET_SEALS) & 0xF == 0xF
    os.close(fd)
    start_gate(gate.directory)
    assert wait(launched) == 0


# -- more of what a plan can do ---------------------------------------------------------------------------------------------------------


def test_exec_joins_the_container(root: Path) -> None:
    launched = start(container(root, ["sleep", "60"], late=(SetHostname(name="joined"),)))
    command = "hostname; cat /proc/1/cmdline; cat /proc/self/status | grep -c ^Name; ls /"
    code, text = run(exec_plan(command), fds=(launched.pidfd,))
    assert code == 0
    assert text.startswith("joined\nsleep\x0060\x001\nbin\n")
    code, text = run(exec_plan("exit 3"), fds=(launched.pidfd,))
    assert code == 3
    os.kill(launched.pid, signal.SIGKILL)
    assert wait(launched) == 137


def test_exec_of_a_missing_command_is_reported(root: Path) -> None:
    launched = start(container(root, ["sleep", "60"]))
    plan = exec_plan("x")
    operations = [op for op in plan.operations if type(op).__name__ not in ("FindExecutable", "ExecVe")]
    plan = Plan((*operations, ExecVe(argv=("gone",), env=())))
    with pytest.raises(OperationFailed) as caught:
        run(plan, fds=(launched.pidfd,))
    assert caught.value.errno == errno.ENOENT
    os.kill(launched.pid, signal.SIGKILL)
    wait(launched)


def test_sync_runs_in_the_caller_while_the_process_waits(root: Path) -> None:
    seen = []

    def hook(point: str, pid: int) -> None:
        seen.append((point, Path(f"/proc/{pid}/comm").read_text()))

    assert wait(start(container(root, ["true"], first=(Sync(point="createRuntime"),)), on_sync=hook)) == 0
    assert seen == [("createRuntime", "pyrunc-init\n")]


def test_what_on_sync_raises_comes_back(root: Path) -> None:
    def refuse(point: str, pid: int) -> None:
        raise ZeroDivisionError(point)

    with pytest.raises(ZeroDivisionError, match="createRuntime"):
        start(container(root, ["true"], first=(Sync(point="createRuntime"),)), on_sync=refuse)


def hook(script: str, timeout: int = 0) -> Hook:
    state = '{"id":"x","pid":@PID@,"status":"created"}'
    return Hook(path="hooks", program="/bin/sh", argv=("sh", "-c", script), env=("A=b",), state=state, timeout=timeout)


def test_hooks_get_the_state_and_run_inside(root: Path) -> None:
    first = hook("/bin/busybox cat > /tmp/state; echo $A > /tmp/env")
    launched = start(container(root, ["cat", "/tmp/state"], late=(first,)))
    pid = launched.pid
    assert wait(launched) == 0
    assert (root / "tmp" / "state").read_text() == f'{{"id":"x","pid":{pid},"status":"created"}}'
    assert (root / "tmp" / "env").read_text() == "b\n"


def test_a_hook_that_fails_says_why(root: Path) -> None:
    with pytest.raises(HookFailed, match="exit status 4: no such luck"):
        start(container(root, ["true"], late=(hook("echo no such luck >&2; exit 4"),)))


def test_a_hook_that_takes_too_long_is_ended(root: Path) -> None:
    started = time.monotonic()
    with pytest.raises(HookFailed, match="took longer than 1 seconds"):
        start(container(root, ["true"], late=(hook("/bin/busybox sleep 30", timeout=1),)))
    assert 0.9 < time.monotonic() - started < 25  # the hook itself takes thirty


def bpf(number: int, action: int) -> bytes:
    """``action`` for one system call, all others allowed."""
    code = ((0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, action), (0x06, 0, 0, 0x7FFF0000))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


SETHOSTNAME = {"x86_64": 170, "aarch64": 161}.get(os.uname().machine, 170)


def test_seccomp(root: Path) -> None:
    filtered = LoadSeccomp(program=bpf(SETHOSTNAME, 0x00050000 | errno.EXDEV))
    code, text = run(container(root, "hostname x 2>&1; grep Seccomp: /proc/self/status", late=(filtered,)))
    assert (code, text) == (0, "hostname: sethostname: Invalid cross-device link\nSeccomp:\t2\n")


def test_seccomp_listener_is_handed_over(root: Path) -> None:
    launched = start(
        container(root, ["true"], late=(LoadSeccomp(program=bpf(SETHOSTNAME, 0x7FC00000), listener=True),))
    )
    assert launched.seccomp_listener is not None
    assert "seccomp notify" in os.readlink(f"/proc/self/fd/{launched.seccomp_listener}")
    os.close(launched.seccomp_listener)
    assert wait(launched) == 0


def test_a_user_namespace_with_its_maps(root: Path) -> None:
    os.chown(root, 100000, 100000)
    clone = Clone(flags=USUAL | NEWUSER, uid_map="0 100000 1000\n", gid_map="0 100000 1000\n", deny_setgroups=False)
    mounts = (
        Mount(fstype="proc", device="proc", parameters=(), attributes=0, target="/proc"),
        Mount(fstype="tmpfs", device="t", parameters=("mode=755",), attributes=2, target="/dev"),
        Mkdev(target="/dev/null", mode=0o20666, major=1, minor=3, uid=0, gid=0, bind=True, source="/dev/null"),
    )
    late = (WriteProc(name="self/oom_score_adj", value="400"), SetUser(uid=5, gid=6, groups=(7,)))
    first = (BecomeRoot(),)
    for directory in root.parents:  # pytest's directories are root's alone
        if directory.is_relative_to(tempfile.gettempdir()):
            directory.chmod(0o755)
    plan = container(
        root, "id -u; id -g; id -G; cat /proc/self/uid_map", clone=clone, first=first, mounts=mounts, late=late
    )
    assert output(plan).split() == ["5", "6", "6", "7", "0", "100000", "1000"]


def test_time_offsets(root: Path) -> None:
    clone = Clone(flags=USUAL | NEWTIME, time_offsets="boottime 864000 0\n")
    uptime = float(output(container(root, "cat /proc/uptime", clone=clone)).split()[0])
    assert uptime - time.clock_gettime(time.CLOCK_BOOTTIME) == pytest.approx(864000, abs=5)


def test_into_a_cgroup_of_version_2(root: Path) -> None:
    top = next((line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if " cgroup2 " in line), None)
    if top is None:
        pytest.skip("no cgroup v2 hierarchy on this machine")
    group = Path(top) / f"pyrunc-test-{os.getpid()}"
    group.mkdir()
    fd = os.open(group, os.O_RDONLY)
    try:
        launched = start(container(root, ["sleep", "60"], clone=Clone(flags=NEWNS | NEWPID, cgroup=0)), fds=(fd,))
        assert (group / "cgroup.procs").read_text() == f"{launched.pid}\n"
        os.kill(launched.pid, signal.SIGKILL)
        wait(launched)
    finally:
        os.close(fd)
        group.rmdir()


# -- terminals -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("maps", ["0 0 0\n", "0 0 5 6\n", "x"])
def test_maps_that_the_kernel_refuses(root: Path, maps: str) -> None:
    """The process is there by then, and must not stay, not even as a zombie."""
    clone = Clone(path="linux.namespaces", flags=USUAL | NEWUSER, uid_map=maps, gid_map="0 0 1\n")
    with pytest.raises(OperationFailed, match=r"linux\.namespaces .*EINVAL .*uid_map"):
        start(container(root, "true", clone=clone))


def test_a_terminal(root: Path) -> None:
    terminal = OpenConsole(rows=33, columns=101, uid=0)
    launched = start(
        container(
            root,
            "trap 'exit 130' INT; tty; stty size; echo >/dev/console console; while sleep 0.1; do :; done",
            late=(terminal,),
        )
    )
    assert launched.console is not None
    seen = b""
    while b"console" not in seen:
        seen += os.read(launched.console, 1000)
    assert seen.decode().split() == ["/dev/pts/0", "33", "101", "console"]
    os.write(launched.console, b"\x03")  # Ctrl-C reaches the foreground process group
    assert wait(launched) == 130
    os.close(launched.console)


def test_a_terminal_without_devpts(root: Path) -> None:
    with pytest.raises(OperationFailed, match=r"process\.terminal.*devpts") as caught:
        start(
            container(root, "true", mounts=(), late=(OpenConsole(path="process.terminal", rows=0, columns=0, uid=0),))
        )
    assert caught.value.errno == errno.ENXIO


def test_a_false_devpts_is_refused(root: Path) -> None:
    (root / "dev" / "pts").mkdir()
    os.mknod(root / "dev" / "pts" / "ptmx", 0o20666, os.makedev(1, 3))
    with pytest.raises(OperationFailed, match="not a terminal multiplexer"):
        start(container(root, "true", mounts=(), late=(OpenConsole(rows=0, columns=0, uid=0),)))
