"""``docker run -it`` and ``docker exec -it`` under a real pseudo-terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pexpect

from .conftest import Engine

SHELL = ("busybox", "sh")


@contextmanager
def terminal(engine: Engine, *args: str) -> Iterator[pexpect.spawn[str]]:
    child = pexpect.spawn(
        "docker", list(args), env=engine.environment(), encoding="utf-8", timeout=20, dimensions=(33, 99)
    )
    try:
        child.expect("# ")
        yield child
    finally:
        child.close(force=True)


def exit_code(child: pexpect.spawn[str]) -> int | None:
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


def test_run_is_a_usable_shell(engine: Engine) -> None:
    with terminal(engine, "run", "--rm", "-it", "--network", "none", *SHELL) as shell:
        shell.sendline("tty; echo size $(stty size)")
        shell.expect("/dev/pts/0")
        shell.expect("size 33 99")
        shell.setwinsize(44, 111)
        shell.sendline("sleep 0.3; echo now $(stty size)")
        shell.expect("now 44 111")
        shell.sendline("echo asleep; sleep 100")
        shell.expect("asleep\r\n")
        time.sleep(0.3)  # nothing tells from outside that the shell has handed the terminal over
        shell.sendcontrol("c")
        shell.sendline("echo code $?")
        shell.expect("code 130")
        shell.sendline("exit 7")
        assert exit_code(shell) == 7


def test_detach_keys_leave_it_running(engine: Engine) -> None:
    with terminal(engine, "run", "-it", "--name", "kept", "--network", "none", *SHELL) as shell:
        shell.sendcontrol("p")
        shell.sendcontrol("q")
        exit_code(shell)
    assert engine.ok("inspect", "-f", "{{.State.Status}}", "kept") == "running"


def test_exec_with_a_terminal(engine: Engine) -> None:
    engine.ok("run", "-d", "--name", "room", "--network", "none", "busybox", "sleep", "300")
    with terminal(engine, "exec", "-it", "room", "sh") as shell:
        shell.sendline("echo size $(stty size)")
        shell.expect("size 33 99")
        shell.sendline("exit 8")
        assert exit_code(shell) == 8
