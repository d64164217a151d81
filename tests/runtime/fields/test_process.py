"""process: user, rights, limits, priorities and the terminal, as the program itself finds them."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

import pyrunc
from pyrunc import Facts, Runtime, Spec, Stdio
from pyrunc.spec import (
    Capabilities,
    ConsoleSize,
    Cpu,
    ExecCpuAffinity,
    IoPriority,
    MemoryPolicy,
    Personality,
    Resources,
    Rlimit,
    Scheduler,
    User,
)
from tests.runtime.conftest import read_all
from tests.runtime.fields.conftest import Inside, linux, process
from tests.support.run import RUN


def user(**fields: object) -> Callable[[Spec], Spec]:
    return process(user=User(**fields))  # type: ignore[arg-type]  # fields of User


def refused(runtime: Runtime, inside: Inside, change: Callable[[Spec], Spec], kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said):
        runtime.create("web", inside.bundle.path, spec=change(inside.spec("say(1)")), stdio=Stdio.null())
    assert runtime.ids() == []


# -- args, env, cwd ---------------------------------------------------------------------------------------------------------------------


def test_arguments_are_what_they_are(inside: Inside) -> None:
    def change(spec: Spec) -> Spec:
        assert spec.process is not None
        return spec.with_process(args=(*spec.process.args, "", "a b", "ä", "\n"))

    assert inside("say(sys.argv[1:])", change) == ["", "a b", "ä", "\n"]


def test_environment(inside: Inside) -> None:
    environment = ("PATH=/usr/bin", "A=1", "B=", "C=x=y", "HOME=/opt")
    assert inside("say(dict(os.environ))", process(env=environment)) == {
        "PATH": "/usr/bin",
        "A": "1",
        "B": "",
        "C": "x=y",
        "HOME": "/opt",
        "LC_CTYPE": "C.UTF-8",  # Python's own
    }


def test_the_working_directory_is_made(inside: Inside, loose_root: object) -> None:
    assert inside("say(os.getcwd())", process(cwd="/usr/lib")) == "/usr/lib"
    assert inside("say(os.getcwd())", process(cwd="/opt/new/one"), loose_root) == "/opt/new/one"  # type: ignore[arg-type]


def test_the_command_line_of_windows_is_ignored(inside: Inside) -> None:
    assert inside("say(1)", process(command_line="format c:")) == 1


# -- user -------------------------------------------------------------------------------------------------------------------------------


def test_user_and_groups(inside: Inside) -> None:
    code = "say(os.getresuid(), os.getresgid(), sorted(os.getgroups()))"
    assert inside(code, user(uid=1000, gid=100, additional_gids=(5, 6))) == [[1000] * 3, [100] * 3, [5, 6]]
    assert inside(code) == [[0] * 3, [0] * 3, []]


def test_the_name_of_the_user_is_for_windows(inside: Inside) -> None:
    assert inside("say(os.getuid())", user(uid=7, username="root")) == 7


@pytest.mark.parametrize("mask", [0, 0o027, 0o777, None])
def test_umask(inside: Inside, mask: int | None) -> None:
    assert inside("say(os.umask(0))", user(umask=mask)) == (0o022 if mask is None else mask)


# -- rights -----------------------------------------------------------------------------------------------------------------------------


def test_the_five_sets_of_capabilities(inside: Inside) -> None:
    sets = Capabilities(
        bounding=("CAP_CHOWN", "CAP_KILL", "CAP_SETUID", "CAP_NET_RAW"),
        permitted=("CAP_CHOWN", "CAP_KILL", "CAP_SETUID"),
        effective=("CAP_CHOWN",),
        inheritable=("CAP_KILL", "CAP_NET_RAW"),
        ambient=("CAP_KILL",),
    )
    code = 'say([int(status(name), 16) for name in ("CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb")])'

    def change(spec: Spec) -> Spec:
        return user(uid=1000)(process(capabilities=sets)(spec))

    chown, kill, setuid, net_raw = 1 << 0, 1 << 5, 1 << 7, 1 << 13
    # What another user than root keeps over its execve is what is ambient.
    assert inside(code, change) == [chown | kill | setuid | net_raw, kill, kill, kill | net_raw, kill]
    # Root gets what is in the bounding set.
    root = inside(code, process(capabilities=evolve(sets, ambient=())))
    assert root == [chown | kill | setuid | net_raw] * 3 + [kill | net_raw, 0]


def test_no_capabilities_at_all(inside: Inside) -> None:
    code = 'say([int(status(name), 16) for name in ("CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb")])'
    assert inside(code, process(capabilities=None)) == [0] * 5


@pytest.mark.parametrize("forbidden", [True, False])
def test_no_new_privileges(inside: Inside, forbidden: bool) -> None:
    assert inside('say(status("NoNewPrivs"))', process(no_new_privileges=forbidden)) == str(int(forbidden))


def test_labels_that_nothing_would_enforce_are_refused(runtime: Runtime, inside: Inside) -> None:
    """This kernel has neither module; a wall is not left out in silence."""
    refused(
        runtime, inside, process(apparmor_profile="p"), pyrunc.Unsupported, r"process\.apparmorProfile: apparmor is not"
    )
    refused(runtime, inside, process(selinux_label="l"), pyrunc.Unsupported, r"process\.selinuxLabel: selinux is not")
    refused(runtime, inside, linux(mount_label="l"), pyrunc.Unsupported, r"linux\.mountLabel: selinux is not")
    assert inside("say(1)", process(apparmor_profile="unconfined")) == 1


# -- limits -----------------------------------------------------------------------------------------------------------------------------

LIMITS = ("CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS")
MORE = {"LOCKS": 10, "SIGPENDING": 11, "MSGQUEUE": 12, "NICE": 13, "RTPRIO": 14, "RTTIME": 15}
GET = "import resource\nsay(list(resource.getrlimit({})))"


@pytest.mark.parametrize("name", [*LIMITS, *MORE])
def test_resource_limits(inside: Inside, name: str) -> None:
    hard = {"NICE": 0, "RTPRIO": 0, "MSGQUEUE": 4096, "NOFILE": 99}.get(name, 1 << 33)
    if name in ("NPROC", "SIGPENDING", "MEMLOCK"):
        hard = 5000
    soft = hard // 2
    number = MORE.get(name)
    code = GET.format(number if number is not None else f"resource.RLIMIT_{name}")
    assert inside(code, process(rlimits=(Rlimit(type=f"RLIMIT_{name}", soft=soft, hard=hard),))) == [soft, hard]


def test_no_limit_is_the_highest_number(inside: Inside) -> None:
    limit = Rlimit(type="RLIMIT_FSIZE", soft=2**64 - 1, hard=2**64 - 1)
    assert inside(GET.format("resource.RLIMIT_FSIZE"), process(rlimits=(limit,))) == [-1, -1]


@pytest.mark.parametrize("score", [0, 500, 1000])
def test_score_for_the_oom_killer(inside: Inside, score: int) -> None:
    assert inside('say(int(read("/proc/self/oom_score_adj")))', process(oom_score_adj=score)) == score


# -- priorities -------------------------------------------------------------------------------------------------------------------------

# sched_getattr: size, policy, flags, nice, priority, runtime, deadline, period
SCHEDULING = """
buffer = ctypes.create_string_buffer(48)
assert libc.syscall(315, 0, buffer, 48, 0) == 0
say(struct.unpack("=IIQiIQQQ", buffer.raw)[1:])
"""


@pytest.mark.parametrize(
    ("scheduler", "seen"),
    [
        (Scheduler(policy="SCHED_OTHER", nice=5), [0, 0, 5, 0]),
        (Scheduler(policy="SCHED_BATCH", nice=7), [3, 0, 7, 0]),
        (Scheduler(policy="SCHED_IDLE", flags=("SCHED_FLAG_RESET_ON_FORK",)), [5, 1, os.nice(0), 0]),
    ],
)
def test_scheduler(inside: Inside, scheduler: Scheduler, seen: list[int]) -> None:
    assert inside(SCHEDULING, process(scheduler=scheduler))[:4] == seen


@pytest.mark.parametrize(("policy", "number"), [("SCHED_FIFO", 1), ("SCHED_RR", 2)])
def test_scheduler_of_real_time(inside: Inside, policy: str, number: int) -> None:
    """Where the kernel shares out real time by cgroups (CONFIG_RT_GROUP_SCHED), a new one has none of it."""
    cpu = Facts.probe().hierarchy("cpu")
    share = Cpu(realtime_runtime=5000) if cpu and Path(f"{cpu.mountpoint}/cpu.rt_runtime_us").exists() else None

    def change(spec: Spec) -> Spec:
        spec = process(scheduler=Scheduler(policy=policy, priority=3))(spec)  # type: ignore[arg-type]  # from the list above
        return spec.with_linux(cgroups_path=f"/pyrunc-{RUN.name[:12]}-rt", resources=Resources(cpu=share))

    assert inside(SCHEDULING, change)[:4] == [number, 0, 0, 3]


def test_scheduler_with_deadlines(inside: Inside) -> None:
    scheduler = Scheduler(
        policy="SCHED_DEADLINE",
        flags=("SCHED_FLAG_RECLAIM",),
        runtime=1_000_000,
        deadline=10_000_000,
        period=20_000_000,
    )
    assert inside(SCHEDULING, process(scheduler=scheduler)) == [6, 2, 0, 0, 1_000_000, 10_000_000, 20_000_000]


def test_a_scheduler_that_the_kernel_refuses(runtime: Runtime, inside: Inside) -> None:
    change = process(scheduler=Scheduler(policy="SCHED_DEADLINE", runtime=1, deadline=2, period=3))
    refused(runtime, inside, change, pyrunc.OperationFailed, r"process\.scheduler .*EINVAL")


@pytest.mark.parametrize(
    ("priority", "seen"),
    [
        (IoPriority(io_class="IOPRIO_CLASS_RT", priority=1), 1 << 13 | 1),
        (IoPriority(io_class="IOPRIO_CLASS_BE", priority=7), 2 << 13 | 7),
        (IoPriority(io_class="IOPRIO_CLASS_IDLE"), 3 << 13),
    ],
)
def test_priority_of_input_and_output(inside: Inside, priority: IoPriority, seen: int) -> None:
    assert inside("say(call(252, 1, 0))", process(io_priority=priority)) == seen


def test_processors_of_an_exec(runtime: Runtime, inside: Inside) -> None:
    """Those before it enters the cgroup and those after; the first process is not meant."""
    if os.cpu_count() == 1:
        pytest.skip("one processor leaves nothing to choose")
    container = runtime.create(
        "web", inside.bundle.path, spec=inside.spec("import time; time.sleep(60)"), stdio=Stdio.null()
    )
    container.start()
    base = inside.spec("say(sorted(os.sched_getaffinity(0)))").process
    assert base is not None
    for affinity, seen in (
        (ExecCpuAffinity(final="1"), b"[1]"),
        (ExecCpuAffinity(initial="0"), b"[0]"),
        (ExecCpuAffinity(initial="0", final="0-1"), b"[0, 1]"),
    ):
        found = container.exec(evolve(base, exec_cpu_affinity=affinity), stdio=Stdio.pipes())
        with found.streams() as streams:
            assert read_all(streams.stdout).strip().encode() == seen
        assert found.wait(10).code == 0
    container.delete(force=True)


KERNEL = Facts.probe().kernel

# get_mempolicy: mode and nodes
POLICY = "mode, mask = ctypes.c_int(), (ctypes.c_ulong * 17)()\nassert libc.syscall(239, ctypes.byref(mode), mask, 1025, 0, 0) == 0\nsay(mode.value, mask[0])"


@pytest.mark.parametrize(
    ("policy", "seen"),
    [
        (MemoryPolicy(mode="MPOL_BIND", nodes="0", flags=("MPOL_F_STATIC_NODES",)), [2 | 1 << 15, 1]),
        (MemoryPolicy(mode="MPOL_BIND", nodes="0", flags=("MPOL_F_RELATIVE_NODES",)), [2 | 1 << 14, 1]),
        (MemoryPolicy(mode="MPOL_INTERLEAVE", nodes="0"), [3, 1]),
        (MemoryPolicy(mode="MPOL_PREFERRED", nodes="0"), [1, 1]),
        (MemoryPolicy(mode="MPOL_PREFERRED_MANY", nodes="0-0"), [5, 1]),
        *(((MemoryPolicy(mode="MPOL_WEIGHTED_INTERLEAVE", nodes="0"), [6, 1]),) if KERNEL >= (6, 9) else ()),
        (MemoryPolicy(mode="MPOL_LOCAL"), [4, 0]),
        (MemoryPolicy(mode="MPOL_DEFAULT"), [0, 0]),
    ],
)
def test_memory_policy(inside: Inside, policy: MemoryPolicy, seen: list[int]) -> None:
    assert inside(POLICY, linux(memory_policy=policy)) == seen


def test_a_memory_node_that_is_not_there(runtime: Runtime, inside: Inside) -> None:
    change = linux(memory_policy=MemoryPolicy(mode="MPOL_BIND", nodes="63"))
    refused(runtime, inside, change, pyrunc.OperationFailed, r"linux\.memoryPolicy .*EINVAL")


@pytest.mark.parametrize(("domain", "machine"), [("LINUX", os.uname().machine), ("LINUX32", "i686")])
def test_personality(inside: Inside, domain: str, machine: str) -> None:
    change = linux(personality=Personality(domain=domain))  # type: ignore[arg-type]  # from the list above
    assert inside("say(os.uname().machine)", change) == machine


# -- terminal ---------------------------------------------------------------------------------------------------------------------------


def test_terminal_and_its_size(runtime: Runtime, inside: Inside) -> None:
    code = (
        "import fcntl, termios\n"
        'rows, columns, _, _ = struct.unpack("4H", fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))\n'
        "stat = os.fstat(0)\n"
        'say([os.isatty(fd) for fd in (0, 1, 2)], rows, columns, os.ttyname(0), os.stat("/dev/console").st_rdev == stat.st_rdev,'
        " stat.st_uid, os.getsid(0) == os.getpid() == os.tcgetpgrp(0))"
    )
    change = process(terminal=True, console_size=ConsoleSize(height=25, width=132), user=User(uid=1000, gid=5))
    container = runtime.create("web", inside.bundle.path, spec=change(inside.spec(code)), stdio=Stdio.null())
    with container.streams() as streams:
        container.start()
        console = streams.console
        assert console is not None
        told = read_all(console)
        assert struct.unpack("4H", fcntl.ioctl(console, termios.TIOCGWINSZ, bytes(8)))[:2] == (25, 132)
    assert told.strip() == '[[true, true, true], 25, 132, "/dev/pts/0", true, 1000, true]'
    container.wait(10)
    container.delete()


def test_a_terminal_without_a_place_for_one(runtime: Runtime, inside: Inside) -> None:
    def change(spec: Spec) -> Spec:
        mounts = tuple(mount for mount in spec.mounts if mount.type != "devpts")
        return evolve(process(terminal=True)(spec), mounts=mounts)

    refused(runtime, inside, change, pyrunc.OperationFailed, r"process\.terminal .*a terminal needs a devpts")


def test_annotations_are_kept(runtime: Runtime, inside: Inside) -> None:
    spec = evolve(inside.spec("say(1)"), annotations={"org.example/a": "b", "c": ""})
    container = runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null())
    assert container.state().annotations == {"org.example/a": "b", "c": ""}
    assert runtime.get("web").spec().annotations == {"org.example/a": "b", "c": ""}
    container.delete()


def test_what_a_later_version_brings_is_kept(runtime: Runtime, inside: Inside) -> None:
    document = inside.spec("say(1)").to_json()
    document["ociVersion"] = "1.9.7-rc.1"
    document["future"] = {"a": [1, None]}
    process_: dict[str, object] = document["process"]  # type: ignore[assignment]  # it is an object
    process_["futureToo"] = "x"
    container = runtime.create("web", inside.bundle.path, spec=Spec.load(document), stdio=Stdio.null())
    kept = runtime.get("web").spec().to_json()
    assert kept == document
    container.delete()


def test_a_personality_without_flags(runtime: Runtime, inside: Inside) -> None:
    """The specification has the member, and no value for it yet."""
    change = linux(personality=Personality(domain="LINUX", flags=("ADDR_NO_RANDOMIZE",)))
    refused(runtime, inside, change, pyrunc.SpecError, r"linux\.personality\.flags: no flags are defined yet")
