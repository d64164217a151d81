"""pyctl under a real pseudo-terminal, a shell of the ``host`` image at its other end."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from tests.client.commands.conftest import Pair

SHELL = ("host", "bash", "--norc", "--noprofile")
PROMPT = "bash-[0-9.]+# "


@contextmanager
def terminal(pair: Pair, *args: str, prompt: str | None = PROMPT) -> Iterator[pexpect.spawn[str]]:
    child = pexpect.spawn(
        sys.executable,
        ["-m", "pyctl", *args],
        env=pair.daemon.environment(),
        encoding="utf-8",
        timeout=20,
        dimensions=(33, 99),
    )
    try:
        if prompt:
            child.expect(prompt)
        yield child
    finally:
        child.close(force=True)


def exit_code(child: pexpect.spawn[str]) -> int | None:
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus


def test_run_is_a_usable_shell(pair: Pair) -> None:
    with terminal(pair, "run", "--rm", "-it", *SHELL) as shell:
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


def test_end_of_file_ends_the_shell(pair: Pair) -> None:
    with terminal(pair, "run", "--rm", "-it", *SHELL) as shell:
        shell.sendcontrol("d")
        assert exit_code(shell) == 0


def test_detach_keys_leave_it_running(removing: Pair) -> None:
    with terminal(removing, "run", "-it", "--name", "kept", *SHELL) as shell:
        shell.send("\x10\x11")
        assert exit_code(shell) == 0
    assert removing.ok("inspect", "-f", "{{.State.Status}}", "kept") == "running"
    with terminal(removing, "attach", "--detach-keys", "ctrl-a,x", "kept", prompt=None) as shell:
        time.sleep(0.5)  # a shell that waits says nothing to who attaches
        shell.sendline("echo size $(stty size)")
        shell.expect("size 33 99")
        shell.send("\x01x")
        shell.expect("read escape sequence")
        assert exit_code(shell) == 1
    with terminal(removing, "attach", "kept", prompt=None) as shell:
        time.sleep(0.5)
        shell.sendline("exit 6")
        assert exit_code(shell) == 6


def test_exec_with_a_terminal(pair: Pair) -> None:
    with terminal(pair, "exec", "-it", "web", "sh", prompt="# ") as shell:
        shell.sendline("echo size $(stty size)")
        shell.expect("size 33 99")
        shell.setwinsize(20, 50)
        shell.sendline("sleep 0.3; echo now $(stty size)")
        shell.expect("now 20 50")
        shell.sendline("exit 8")
        assert exit_code(shell) == 8


def test_ctrl_c_without_a_terminal_inside(pair: Pair) -> None:
    script = "trap 'echo got; exit 9' INT; echo ready; while :; do sleep 0.05; done"
    with terminal(pair, "run", "--rm", "busybox", "sh", "-c", script, prompt="ready") as child:
        child.sendcontrol("c")
        child.expect("got")
        assert exit_code(child) == 9


@contextmanager
def modes_around(pair: Pair, command: str) -> Iterator[pexpect.spawn[str]]:
    """A shell that tells the terminal's modes, runs pyctl, and tells its exit code and the modes again."""
    child = pexpect.spawn(
        "bash",
        ["--norc", "-c", f"stty -a; {sys.executable} -m pyctl {command}; echo code $?; stty -a"],
        env=pair.daemon.environment(),
        encoding="utf-8",
        timeout=20,
    )
    try:
        yield child
    finally:
        child.close(force=True)


def modes(child: pexpect.spawn[str], code: int) -> tuple[str, str]:
    """What came before ``code``, which begins with the modes before, and the modes after."""
    child.expect(f"code {code}\r\n")
    before = child.before
    child.expect(pexpect.EOF)
    assert before
    assert child.before
    return before, child.before


def test_the_terminal_is_as_before_after_a_failure(pair: Pair) -> None:
    with modes_around(pair, "run --rm -it host no-such-command") as child:
        before, after = modes(child, 127)
    assert before.startswith(after)
    assert "executable file not found" in before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_and_after_a_signal(removing: Pair, number: signal.Signals) -> None:
    with modes_around(removing, "run --rm -it busybox sh -c 'echo ready; sleep 100'") as child:
        child.expect("speed .*ready")
        modes_before = str(child.after)
        pyctl = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text(encoding="ascii")
        os.kill(int(pyctl), number)
        _, after = modes(child, 128 + number)
    assert after.strip() in modes_before
