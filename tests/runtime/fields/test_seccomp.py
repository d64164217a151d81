"""linux.seccomp: every action, operator, flag and architecture, as a program feels them that makes the calls."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
import select
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pyrunc
from pyrunc import Runtime, Seccomp, Spec, Stdio
from pyrunc.spec.seccomp import Argument, Syscall
from tests.runtime.conftest import Outcome, read_all
from tests.runtime.fields.conftest import Inside, linux

if TYPE_CHECKING:
    from pyrunc.spec.seccomp import Action, Operator

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers of system calls are x86-64's")

GETPRIORITY = 140

CALL = (
    "say(call(140, 9, 0))\n"  # getpriority(9, 0): EINVAL where it is let through, and nothing else in Python makes it
)


def rule(action: Action, *names: str, errno_ret: int | None = None, args: tuple[Argument, ...] = ()) -> Syscall:
    return Syscall(names=names or ("getpriority",), action=action, errno_ret=errno_ret, args=args)


def filtered(*rules: Syscall, **fields: Any) -> Callable[[Spec], Spec]:
    return linux(
        seccomp=Seccomp(default_action=fields.pop("default_action", "SCMP_ACT_ALLOW"), syscalls=rules, **fields)
    )


def ended(
    outcome: Callable[..., Outcome], inside: Inside, code: str, change: Callable[[Spec], Spec]
) -> tuple[int, str]:
    """Exit code and output of a program that may be killed."""
    status, output, _ = outcome(change(inside.spec(code)))
    return status, output


# -- actions ----------------------------------------------------------------------------------------------------------------------------


def test_errno_and_its_default(inside: Inside) -> None:
    assert inside(CALL) == -errno.EINVAL
    assert inside(CALL, filtered(rule("SCMP_ACT_ERRNO"))) == -errno.EPERM
    assert inside(CALL, filtered(rule("SCMP_ACT_ERRNO", errno_ret=errno.EXDEV))) == -errno.EXDEV
    assert inside(CALL, filtered(rule("SCMP_ACT_ERRNO", errno_ret=0))) == 0


def test_allowed_and_logged(inside: Inside) -> None:
    assert inside(CALL, filtered(rule("SCMP_ACT_LOG"))) == -errno.EINVAL
    assert inside(CALL, filtered(rule("SCMP_ACT_ALLOW"), rule("SCMP_ACT_ERRNO", "syslog"))) == -errno.EINVAL


def test_traced_without_a_tracer(inside: Inside) -> None:
    assert inside(CALL, filtered(rule("SCMP_ACT_TRACE", errno_ret=7))) == -errno.ENOSYS


def test_traced_by_a_tracer(inside: Inside) -> None:
    """It is told the number of errnoRet (PTRACE_GETEVENTMSG)."""
    code = """
libc.ptrace.restype = ctypes.c_long
pid = os.fork()
if pid == 0:
    libc.ptrace(0, 0, 0, 0)
    os.kill(os.getpid(), 19)
    call(140, 9, 0)
    os._exit(0)
os.waitpid(pid, 0)
libc.ptrace(0x4200, pid, 0, 1 << 7)
libc.ptrace(7, pid, 0, 0)
_, stopped = os.waitpid(pid, 0)
message = ctypes.c_ulong()
libc.ptrace(0x4201, pid, 0, ctypes.byref(message))
libc.ptrace(8, pid, 0, 0)
say(stopped >> 16, message.value)
"""
    assert inside(code, filtered(rule("SCMP_ACT_TRACE", errno_ret=7))) == [7, 7]


def test_trapped(inside: Inside) -> None:
    code = "import signal\nsay(signal.sigtimedwait({31}, 0) is None)\n"
    code = """
pid = os.fork()
if pid == 0:
    call(140, 9, 0)
    os._exit(0)
say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert inside(code, filtered(rule("SCMP_ACT_TRAP"))) == -signal.SIGSYS
    handled = """
pid = os.fork()
if pid == 0:
    import signal
    signal.signal(signal.SIGSYS, lambda *_: os._exit(42))
    call(140, 9, 0)
    for _ in range(1000): pass
    os._exit(0)
say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert inside(handled, filtered(rule("SCMP_ACT_TRAP"))) == 42


THREAD = """
import threading
threading.Thread(target=call, args=(140, 9, 0)).start()
import time
time.sleep(0.2)
print("lives", flush=True)
os._exit(0)
"""


@pytest.mark.parametrize("action", ["SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL"])
def test_a_thread_is_killed_alone(outcome: Callable[..., Outcome], inside: Inside, action: Action) -> None:
    assert ended(outcome, inside, THREAD, filtered(rule(action))) == (0, "lives\n")
    assert ended(outcome, inside, CALL, filtered(rule(action)))[0] == 128 + signal.SIGSYS


def test_the_process_is_killed(outcome: Callable[..., Outcome], inside: Inside) -> None:
    assert ended(outcome, inside, THREAD, filtered(rule("SCMP_ACT_KILL_PROCESS"))) == (128 + signal.SIGSYS, "")


def test_what_no_rule_names(inside: Inside) -> None:
    """All calls that Python needs, from a list that the host's own tells; the rest by the default."""
    allowed = [name for name in json.loads(ALL_CALLS) if name not in ("getpriority", "syslog")]
    change = filtered(
        Syscall(names=tuple(allowed), action="SCMP_ACT_ALLOW"),
        rule("SCMP_ACT_ERRNO", "syslog", errno_ret=errno.ENOTTY),
        default_action="SCMP_ACT_ERRNO",
        default_errno_ret=errno.EDOM,
    )
    assert inside("say(call(140, 9, 0), call(103, 0, 0, 0))", change) == [-errno.EDOM, -errno.ENOTTY]


def test_a_call_newer_than_the_profile_is_not_there(inside: Inside) -> None:
    change = filtered(
        Syscall(names=tuple(json.loads(ALL_CALLS)), action="SCMP_ACT_ALLOW"), default_action="SCMP_ACT_ERRNO"
    )
    assert inside("say(call(9999))", change) == -errno.ENOSYS


# -- arguments --------------------------------------------------------------------------------------------------------------------------

BIG = 1 << 40


@pytest.mark.parametrize(
    ("op", "value", "value_two", "hit", "missed"),
    [
        ("SCMP_CMP_EQ", 5, 0, [5], [4, 6, 5 + (1 << 32)]),
        ("SCMP_CMP_NE", 5, 0, [4, 6, 5 + (1 << 32)], [5]),
        ("SCMP_CMP_LT", 5, 0, [0, 4], [5, 6, BIG]),
        ("SCMP_CMP_LE", 5, 0, [4, 5], [6, BIG]),
        ("SCMP_CMP_GT", 5, 0, [6, BIG], [4, 5]),
        ("SCMP_CMP_GE", 5, 0, [5, BIG], [4]),
        ("SCMP_CMP_MASKED_EQ", 0xF0, 0x50, [0x50, 0x5F, 0x150], [0x60, 0x05]),
        ("SCMP_CMP_EQ", 2**64 - 1, 0, [2**64 - 1], [2**32 - 1]),
    ],
)
def test_operators(inside: Inside, op: Operator, value: int, value_two: int, hit: list[int], missed: list[int]) -> None:
    """On the third argument, which getpid(2) does not look at."""
    argument = Argument(index=2, value=value, value_two=value_two, op=op)
    change = filtered(rule("SCMP_ACT_ERRNO", "getppid", errno_ret=errno.EDOM, args=(argument,)))
    code = f"say([call(110, 0, 0, n) == -33 for n in {hit}], [call(110, 0, 0, n) == -33 for n in {missed}])"
    assert inside(code, change) == [[True] * len(hit), [False] * len(missed)]


def test_all_arguments_must_hold(inside: Inside) -> None:
    arguments = tuple(Argument(index=index, value=index, op="SCMP_CMP_EQ") for index in range(6))
    change = filtered(rule("SCMP_ACT_ERRNO", "getppid", errno_ret=errno.EDOM, args=arguments))
    code = "say(call(110, 0, 1, 2, 3, 4, 5) == -33, call(110, 0, 1, 2, 3, 4, 6) == -33)"
    assert inside(code, change) == [True, False]


def test_of_several_comparisons_of_one_argument_any(inside: Inside) -> None:
    """As in runc, since libseccomp takes one for each argument."""
    arguments = tuple(Argument(index=0, value=value, op="SCMP_CMP_EQ") for value in (3, 8))
    change = filtered(rule("SCMP_ACT_ERRNO", "getppid", errno_ret=errno.EDOM, args=arguments))
    assert inside("say([call(110, n) == -33 for n in (3, 8, 5)])", change) == [True, True, False]


# -- architectures ----------------------------------------------------------------------------------------------------------------------

# int $0x80 from a 64-bit program makes a call of the 32-bit architecture: getppid is 64 there.
OLD_CALL = """
import mmap
memory = mmap.mmap(-1, 4096, prot=7)
memory.write(bytes([0x53, 0xB8, 64, 0, 0, 0, 0xCD, 0x80, 0x5B, 0xC3]))  # push rbx; mov eax, 64; int 0x80; pop rbx; ret
old = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
say(old())
"""


def test_calls_of_another_architecture(outcome: Callable[..., Outcome], inside: Inside) -> None:
    refuse = rule("SCMP_ACT_ERRNO", "getppid", errno_ret=errno.EDOM)
    both = filtered(refuse, architectures=("SCMP_ARCH_X86_64", "SCMP_ARCH_X86"))
    assert inside(OLD_CALL) == 0
    assert inside(OLD_CALL, both) == -errno.EDOM
    # One that is not listed is not let through.
    only = filtered(refuse, architectures=("SCMP_ARCH_X86_64",))
    assert ended(outcome, inside, OLD_CALL, only)[0] == 128 + signal.SIGSYS


def test_calls_of_x32(outcome: Callable[..., Outcome], inside: Inside) -> None:
    """The same architecture to the kernel, told apart by a bit of the number."""
    code = "say(call(0x40000000 | 110))"
    refuse = rule("SCMP_ACT_ERRNO", "getppid", errno_ret=errno.EDOM)
    assert inside(code, filtered(refuse, architectures=("SCMP_ARCH_X86_64", "SCMP_ARCH_X32"))) == -errno.EDOM
    status = ended(outcome, inside, code, filtered(refuse, architectures=("SCMP_ARCH_X86_64",)))[0]
    assert status == 128 + signal.SIGSYS


# -- flags ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags",
    [
        (),
        ("SECCOMP_FILTER_FLAG_TSYNC",),
        ("SECCOMP_FILTER_FLAG_LOG",),
        ("SECCOMP_FILTER_FLAG_SPEC_ALLOW",),
        ("SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"),
    ],
)
def test_flags_that_change_nothing_of_what_is_allowed(inside: Inside, flags: tuple[str, ...]) -> None:
    code = 'say(call(140, 9, 0), status("Seccomp"), status("Speculation_Store_Bypass"))'
    result, mode, bypass = inside(code, filtered(rule("SCMP_ACT_ERRNO"), flags=flags))
    assert (result, mode) == (-errno.EPERM, "2")
    if "SECCOMP_FILTER_FLAG_SPEC_ALLOW" in flags:
        assert "force" not in bypass


@pytest.mark.parametrize("no_new_privileges", [True, False])
def test_with_and_without_new_privileges(inside: Inside, no_new_privileges: bool) -> None:
    """For a user without rights: the filter is loaded before they are dropped, or after new ones have been forbidden."""

    def change(spec: Spec) -> Spec:
        return (
            filtered(rule("SCMP_ACT_ERRNO"))(spec)
            .with_user(1000, 1000)
            .with_process(no_new_privileges=no_new_privileges)
        )

    assert inside(CALL, change) == -errno.EPERM


# -- notify -----------------------------------------------------------------------------------------------------------------------------

_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_NOTIFICATION = struct.Struct("=QII iIQ6Q")  # id, pid, flags; nr, arch, instruction pointer, arguments
_RESPONSE = struct.Struct("=QqiI")


class Agent:
    """What listens at listenerPath: takes one descriptor, and answers getpriority(2) with 1234."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.document: dict[str, Any] = {}
        self.seen: list[tuple[int, int]] = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._server.accept()
        with connection:
            data, (listener,), _, _ = socket.recv_fds(connection, 65536, 1)
            self.document = json.loads(data)
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        while any(event & select.POLLIN for _, event in poll.poll(5000)):
            try:
                asked = bytearray(_NOTIFICATION.size)
                fcntl.ioctl(listener, _RECEIVE, asked)
                identity, pid, _, number, *_ = _NOTIFICATION.unpack(asked)
                self.seen.append((number, pid))
                fcntl.ioctl(listener, _SEND, _RESPONSE.pack(identity, 1234, 0, 0))
            except FileNotFoundError:  # it was killed meanwhile
                continue
        os.close(listener)

    def end(self) -> None:
        self._thread.join(20)
        self._server.close()


@pytest.fixture
def agent(tmp_short: Path) -> Iterator[Agent]:
    made = Agent(tmp_short / "agent")
    yield made
    made.end()


@pytest.mark.parametrize("no_new_privileges", [True, False])
@pytest.mark.parametrize("flags", [None, ("SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")])
def test_an_agent_answers(
    runtime: Runtime, inside: Inside, agent: Agent, no_new_privileges: bool, flags: tuple[str, ...] | None
) -> None:
    change = filtered(
        rule("SCMP_ACT_NOTIFY"), listener_path=str(agent.path), listener_metadata="for the agent", flags=flags
    )
    spec = change(inside.spec(CALL)).with_process(no_new_privileges=no_new_privileges)
    container = runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.pipes())
    with container.streams() as streams:
        container.start()
        assert read_all(streams.stdout) == "1234\n"
    pid = container.pid
    assert container.wait(10).code == 0
    container.delete()
    agent.end()
    assert agent.seen == [(GETPRIORITY, pid)]
    state = agent.document.pop("state")
    assert agent.document == {
        "ociVersion": spec.oci_version,
        "fds": ["seccompFd"],
        "pid": pid,
        "metadata": "for the agent",
    }
    assert (state["id"], state["status"], state["pid"]) == ("web", "creating", pid)
    assert state["bundle"] == str(inside.bundle.path)


def test_nobody_listens(runtime: Runtime, inside: Inside, tmp_path: Path) -> None:
    change = filtered(rule("SCMP_ACT_NOTIFY"), listener_path=str(tmp_path / "nobody"))
    with pytest.raises(pyrunc.SpecError, match=r"linux\.seccomp\.listenerPath: nobody took the descriptor"):
        runtime.create("web", inside.bundle.path, spec=change(inside.spec(CALL)), stdio=Stdio.null())
    assert runtime.ids() == []


def test_an_exec_asks_the_agent_too(runtime: Runtime, inside: Inside, agent: Agent) -> None:
    """It is another process with a filter, and so a listener, of its own."""
    change = filtered(rule("SCMP_ACT_NOTIFY"), listener_path=str(agent.path))
    spec = change(inside.spec("import time; time.sleep(60)"))
    container = runtime.create("web", inside.bundle.path, spec=spec, stdio=Stdio.null())
    container.start()
    other = Agent(agent.path.with_name("other"))
    agent.path.unlink()
    other.path.rename(agent.path)
    base = inside.spec(CALL).process
    assert base is not None
    run = container.exec(base, stdio=Stdio.pipes())
    with run.streams() as streams:
        assert read_all(streams.stdout) == "1234\n"
    assert run.wait(10).code == 0
    container.delete(force=True)
    other.end()
    assert other.document["state"]["status"] == "running"


ALL_CALLS = json.dumps(
    sorted(
        {
            name
            for entry in json.loads(Path(pyrunc.__file__).with_name("seccomp").joinpath("default.json").read_text())[
                "syscalls"
            ]
            for name in entry["names"]
        }
    )
)
