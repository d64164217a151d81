"""``run`` and ``exec`` in a terminal: what a person at a keyboard sees."""

from __future__ import annotations

import os
import socket
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

from tests.runtime.cli.conftest import Command, MakeBundle


@contextmanager
def at_a_terminal(command: list[str], rows: int = 30, columns: int = 100) -> Iterator[pexpect.spawn[str]]:
    child = pexpect.spawn(command[0], command[1:], encoding="utf-8", timeout=15, dimensions=(rows, columns))
    yield child
    child.close(force=True)


def code(child: pexpect.spawn[str]) -> int:
    child.expect(pexpect.EOF)
    child.wait()
    assert child.exitstatus is not None, f"killed by signal {child.signalstatus}"
    return int(child.exitstatus)


def test_a_shell(pyrunc: Command, make_bundle: MakeBundle, name: str) -> None:
    bundle = make_bundle("sh", terminal=True, env=["PATH=/bin", "PS1=> "])
    with at_a_terminal(pyrunc.line("run", "-b", str(bundle), name)) as child:
        child.expect("> ")
        child.sendline("tty; stty size")
        child.expect("/dev/pts/0\r\n30 100\r\n")
        child.setwinsize(41, 123)
        time.sleep(0.2)
        child.sendline("stty size")
        child.expect("41 123\r\n")
        child.sendline("sleep 60; echo code $?")
        child.expect("\r\n")
        time.sleep(0.3)
        child.sendintr()  # Ctrl-C is for what runs in the shell
        child.expect("code 130|> ")
        child.sendline("echo still $((6*7))")
        child.expect("still 42\r\n")
        child.sendline("exit 5")
        assert code(child) == 5
    assert pyrunc("state", name).returncode == 1


def test_the_callers_terminal_is_as_it_was(pyrunc: Command, make_bundle: MakeBundle, name: str) -> None:
    bundle = make_bundle("echo hi; exit 3", terminal=True)
    program = " ".join(pyrunc.line("run", "-b", str(bundle), name))
    with at_a_terminal(
        ["sh", "-c", f"before=$(stty -g); {program}; echo =$?=; [ $before = $(stty -g) ] && echo same"]
    ) as child:
        child.expect("hi\r\n.*=3=\r\n.*same\r\n")


def test_much_output_comes_whole(pyrunc: Command, make_bundle: MakeBundle, name: str) -> None:
    bundle = make_bundle("seq 1 30000", terminal=True)
    with at_a_terminal(pyrunc.line("run", "-b", str(bundle), name)) as child:
        child.expect(pexpect.EOF)
        lines = str(child.before).split()
    assert lines == [str(number) for number in range(1, 30001)]


def test_input_that_is_no_terminal(pyrunc: Command, make_bundle: MakeBundle, name: str) -> None:
    bundle = make_bundle("read line; echo got $line", terminal=True)
    done = pyrunc("run", "-b", str(bundle), name, stdin="typed\n")
    assert done.returncode == 0
    assert "got typed\r\n" in done.stdout or "got typed\n" in done.stdout


def test_exec_with_a_terminal(pyrunc: Command, make_bundle: MakeBundle, name: str) -> None:
    assert pyrunc.quietly("run", "-d", "-b", str(make_bundle("sleep", "600")), name) == 0
    with at_a_terminal(pyrunc.line("exec", "-t", name, "sh"), 22, 77) as child:
        child.expect("# ")
        child.sendline("stty size; tty")
        child.expect("22 77\r\n/dev/pts/0\r\n")
        child.expect(
            "# "
        )  # until then the terminal is not in the shell's mode, whose beginning drops what was typed before
        child.sendeof()
        assert code(child) == 0


def test_the_end_by_a_signal(pyrunc: Command, make_bundle: MakeBundle, name: str) -> None:
    bundle = make_bundle("echo there; while sleep 0.1; do :; done", terminal=True)
    with at_a_terminal(pyrunc.line("run", "-b", str(bundle), name)) as child:
        child.expect("there")
        assert pyrunc("kill", name, "KILL").returncode == 0
        assert code(child) == 137


@pytest.mark.parametrize("detach", [(), ("--detach",)])
def test_a_console_socket(
    pyrunc: Command, make_bundle: MakeBundle, name: str, tmp_short: Path, detach: tuple[str, ...]
) -> None:
    bundle = make_bundle("tty; stty size", terminal=True)
    path = tmp_short / "console"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        verb = "run" if detach else "create"
        done = pyrunc(verb, *detach, "--console-socket", str(path), "-b", str(bundle), name)
        assert (done.returncode, done.stderr) == (0, "")
        connection, _ = listener.accept()
        with connection:
            _, (master,), _, _ = socket.recv_fds(connection, 100, 1)
    termios.tcsetwinsize(master, (11, 22))
    if not detach:
        assert pyrunc("start", name).returncode == 0
    seen = b""
    while b"/dev/pts/0" not in seen:
        seen += os.read(master, 1000)
    os.close(master)
    pyrunc("delete", "--force", name)


def test_a_terminal_that_nobody_would_serve(pyrunc: Command, make_bundle: MakeBundle, name: str) -> None:
    bundle = make_bundle("true", terminal=True)
    for words in (("create",), ("run", "--detach")):
        done = pyrunc(*words, "-b", str(bundle), name)
        assert done.returncode == 1
        assert "--console-socket" in done.stderr
    done = pyrunc("run", "--console-socket", "/nowhere", "-b", str(make_bundle("true")), name)
    assert done.returncode == 1
    assert "--console-socket is for" in done.stderr
    assert pyrunc("list", "-q").stdout == ""
