"""pyctl under a real pseudo-terminal, a shell of the ``host`` image at its other end."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pexpect

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


def test_the_terminal_is_as_before_after_a_failure(pair: Pair) -> None:
    """Both under one shell: stty shows the modes before and after a run that never starts."""
    run = f"{sys.executable} -m pyctl run --rm -it host no-such-command"
    child = pexpect.spawn(
        "bash",
        ["--norc", "-c", f"stty -a; {run}; echo code $?; stty -a"],
        env=pair.daemon.environment(),
        encoding="utf-8",
        timeout=20,
    )
    try:
        child.expect(pexpect.EOF)
        assert child.before is not None
        before, after = re.split(r"code 127\r\n", child.before)
    finally:
        child.close(force=True)
    assert after
    assert before.startswith(after)
    assert "executable file not found" in before
