"""Where a container's input and output go: nowhere, pipes, the caller's descriptors, a terminal."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import termios
from pathlib import Path

import pytest

import pyrunc
from pyrunc import Process, Runtime, Stdio
from tests.runtime.conftest import Bundle, read_all

BOTH = pytest.mark.parametrize("monitor", [False, True], ids=["child", "monitored"])


@BOTH
def test_pipes(runtime: Runtime, bundle: Bundle, monitor: bool) -> None:
    spec = bundle.spec("read line; echo got $line; echo bad >&2; cat")
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.pipes(stdin=True), monitor=monitor)
    container.start()
    with container.streams() as streams:
        assert streams.stdin is not None
        os.write(streams.stdin, b"this\nand that\n")
        os.close(streams.stdin)
        streams.stdin = None
        container.close_stdin()
        assert (read_all(streams.stdout), read_all(streams.stderr)) == ("got this\nand that\n", "bad\n")
    assert container.wait(10).code == 0
    container.delete()


def test_a_monitor_gives_the_streams_to_everybody(runtime: Runtime, bundle: Bundle) -> None:
    spec = bundle.spec("echo one; read line; echo $line")
    runtime.create("web", bundle.path, spec=spec, stdio=Stdio.pipes(stdin=True), monitor=True).start()
    with runtime.get("web").streams() as first:
        assert first.stdout is not None
        assert os.read(first.stdout, 100) == b"one\n"
    with runtime.get("web").streams() as second:
        assert second.stdin is not None
        os.write(second.stdin, b"two\n")
        assert runtime.get("web").wait(10).code == 0
        assert read_all(second.stdout) == "two\n"
    with runtime.get("web").streams() as after:
        assert read_all(after.stdout) == "", "still there, and at its end"
    runtime.delete("web")


def test_pipes_without_a_monitor_are_had_once(runtime: Runtime, bundle: Bundle) -> None:
    container = runtime.create("web", bundle.path, spec=bundle.spec("true"), stdio=Stdio.pipes())
    container.streams().close()
    with pytest.raises(pyrunc.PyruncError, match="not here"):
        container.streams()
    container.delete()


@BOTH
def test_descriptors_of_the_caller(runtime: Runtime, bundle: Bundle, tmp_path: Path, monitor: bool) -> None:
    (tmp_path / "in").write_text("from a file")
    with (tmp_path / "in").open() as source, (tmp_path / "out").open("w") as target:
        stdio = Stdio.fds(source.fileno(), target.fileno(), target.fileno())
        container = runtime.create(
            "web", bundle.path, spec=bundle.spec("cat; echo error >&2"), stdio=stdio, monitor=monitor
        )
        container.start()
        assert container.wait(10).code == 0
        container.delete()
    assert (tmp_path / "out").read_text() == "from a fileerror\n"


@BOTH
def test_null(runtime: Runtime, bundle: Bundle, monitor: bool) -> None:
    spec = bundle.spec("cat && echo lost && readlink /proc/self/fd/0 | grep -q null")
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null(), monitor=monitor)
    container.start()
    assert container.wait(10).code == 0
    container.delete()


@BOTH
def test_a_terminal(runtime: Runtime, bundle: Bundle, monitor: bool) -> None:
    spec = bundle.spec("trap 'stty size; exit 3' WINCH; tty; stty size; while sleep 0.05; do :; done", terminal=True)
    spec = spec.with_process(console_size=pyrunc.ConsoleSize(height=30, width=90))
    container = runtime.create("web", bundle.path, spec=spec, monitor=monitor)
    container.start()
    if monitor:
        container.resize(31, 91)  # the monitor has the terminal, too
    with container.streams() as streams:
        assert streams.console is not None
        seen = b""
        while b"30 90" not in seen and b"31 91" not in seen:
            seen += os.read(streams.console, 1000)
        assert seen.startswith(b"/dev/pts/0\r\n")
        termios.tcsetwinsize(streams.console, (50, 132))
        rest = read_all(streams.console)
    assert container.wait(10).code == 3
    assert "50 132" in rest or monitor
    container.delete()


@BOTH
def test_a_terminal_in_a_user_namespace(runtime: Runtime, bundle: Bundle, monitor: bool) -> None:
    """Both the maps and the terminal pass between the two processes of the C core."""
    spec = bundle.spec("tty; cat /proc/self/uid_map; id -u", terminal=True)
    assert spec.linux
    every = (pyrunc.IdMapping(container_id=0, host_id=0, size=65536),)
    spaces = (*spec.linux.namespaces, pyrunc.Namespace(type="user"))
    spec = spec.with_linux(namespaces=spaces, uid_mappings=every, gid_mappings=every)
    container = runtime.create("web", bundle.path, spec=spec, monitor=monitor)
    container.start()
    with container.streams() as streams:
        assert read_all(streams.console).split() == ["/dev/pts/0", "0", "0", "65536", "0"]
    assert container.wait(10).code == 0
    container.delete()


def test_a_console_socket_gets_the_terminal(runtime: Runtime, bundle: Bundle, tmp_short: Path) -> None:
    path = tmp_short / "console.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        spec = bundle.spec("echo over the socket; exit 0", terminal=True)
        container = runtime.create("web", bundle.path, spec=spec, console_socket=path)
        connection, _ = listener.accept()
        with connection:
            data, descriptors, _, _ = socket.recv_fds(connection, 4096, 1)
    assert data
    container.start()
    try:
        assert read_all(descriptors[0]) == "over the socket\r\n"
    finally:
        os.close(descriptors[0])
    container.wait(10)
    container.delete()


def test_a_console_socket_where_nobody_listens(runtime: Runtime, bundle: Bundle, tmp_short: Path) -> None:
    with pytest.raises(pyrunc.LaunchFailed, match=r"console socket .*/none: No such file"):
        runtime.create("web", bundle.path, spec=bundle.spec("true", terminal=True), console_socket=tmp_short / "none")
    assert runtime.ids() == []


_PRESERVING = """
import os, sys
import pyrunc
read, write = os.pipe()
os.write(write, b"by three\\n")
os.dup2(read, 3)
spec = pyrunc.Spec.load(sys.argv[2] + "/config.json")
container = pyrunc.Runtime(sys.argv[1]).create("web", sys.argv[2], spec=spec, preserve_fds=1)
container.start()
code = container.wait().code
container.delete()
sys.exit(code)
"""


def test_preserved_descriptors(runtime: Runtime, bundle: Bundle) -> None:
    """Those from 3 on are the program's 3 and up."""
    bundle.write(bundle.spec("read line <&3; echo $line; ls /proc/self/fd | wc -l; exit 4"))
    command = [sys.executable, "-c", _PRESERVING, runtime.root, str(bundle.path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (4, "by three\n5\n", ""), "0 to 3, and the one of ls"


@BOTH
def test_exec_has_streams_of_its_own(runtime: Runtime, bundle: Bundle, monitor: bool) -> None:
    container = runtime.create("web", bundle.path, spec=bundle.spec("sleep", "60"), stdio=Stdio.null())
    container.start()
    own = container.spec().process
    assert own
    process = Process(args=("sh", "-c", "echo in $1; cat", "x", "here"), cwd="/", env=own.env)
    started = container.exec(process, stdio=Stdio.pipes(stdin=True), monitor=monitor)
    with started.streams() as streams:
        assert streams.stdin is not None
        os.write(streams.stdin, b"typed")
        os.close(streams.stdin)
        streams.stdin = None
        started.close_stdin()
        assert read_all(streams.stdout) == "in here\ntyped"
    assert started.wait(10).code == 0
    started.delete()
    container.delete(force=True)
