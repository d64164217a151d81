"""Who joins a container cannot be taken over by those who are in it, although they may trace any process that they see."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from attrs import evolve

import pyrunc
from pyrunc import Container, Runtime, Stdio
from pyrunc.capabilities import names_of
from pyrunc.compile import execute
from tests.runtime.conftest import Bundle, read_all

ATTACK = Path(__file__).with_name("attack_joining.c")
RIGHTS = ("CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_KILL")
BOTH = pytest.mark.parametrize("monitor", [False, True], ids=["child", "monitored"])


@pytest.fixture
def attacked(runtime: Runtime, bundle: Bundle) -> Container:
    """A container whose program looks for whoever joins it."""
    subprocess.run(["gcc", "-O2", "-static", "-o", str(bundle.root / "attack"), str(ATTACK)], check=True)
    granted = pyrunc.Capabilities(bounding=RIGHTS, effective=RIGHTS, permitted=RIGHTS)
    spec = bundle.spec("x").with_process(args=("/attack",), capabilities=granted)
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.pipes(), monitor=True)
    container.start()
    with container.streams() as streams:
        assert streams.stdout is not None
        assert os.read(streams.stdout, 6) == b"ready\n"
    return container


def caught(container: Container, times: int, *, monitor: bool) -> list[tuple[set[str], list[str]]]:
    """Run as many execs, then end the attacker: the rights and files of each that he could have changed."""
    own = container.spec().process
    assert own is not None
    for _ in range(times):
        process = container.exec(evolve(own, args=("/bin/true",)), stdio=Stdio.null(), monitor=monitor)
        assert process.wait(30).code == 0
        process.delete()
    with container.streams() as streams:
        container.kill("KILL")
        container.wait(30)
        lines = [line.split()[1:] for line in read_all(streams.stdout).splitlines()]
    container.delete()
    return [(set(names_of(int(rights, 16))), files) for rights, *files in lines]


@BOTH
def test_it_can_have_nothing_that_they_have_not(attacked: Container, monitor: bool) -> None:
    for rights, files in caught(attacked, 60, monitor=monitor):
        assert rights <= set(RIGHTS)
        assert not files


@BOTH
def test_without_that_they_become_root_of_the_machine(
    attacked: Container, monitor: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same attack on an exec that is in the pid namespace from the first: so it is no fault of the attack that it catches nothing else."""
    monkeypatch.setattr(execute, "_could_be_changed", lambda *_: False)
    found = caught(attacked, 60, monitor=monitor)
    assert any("CAP_SYS_ADMIN" in rights for rights, _ in found)


@pytest.fixture
def traced(runtime: Runtime, bundle: Bundle) -> Container:
    granted = pyrunc.Capabilities(bounding=RIGHTS, effective=RIGHTS, permitted=RIGHTS)
    spec = bundle.spec("sleep 300").with_process(capabilities=granted)
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.null(), monitor=True)
    container.start()
    return container


@BOTH
def test_it_is_a_process_like_others(traced: Container, monitor: bool) -> None:
    """Its streams, number, session, rights and end."""
    own = traced.spec().process
    assert own is not None
    script = "cat; cut -d' ' -f6 /proc/self/stat | grep -q $$ || cut -d' ' -f 1,6 /proc/$$/stat; grep CapEff /proc/self/status; exit 7"
    process = traced.exec(evolve(own, args=("sh", "-c", script)), stdio=Stdio.pipes(stdin=True), monitor=monitor)
    assert process.pid in traced.processes()
    with process.streams() as streams:
        assert streams.stdin is not None
        os.write(streams.stdin, b"in\n")
        os.close(streams.stdin)
        streams.stdin = None
        process.close_stdin()
        lines = read_all(streams.stdout).splitlines()
    assert process.wait(30).code == 7
    mask = int(lines[-1].split()[1], 16)
    assert (lines[0], set(names_of(mask))) == ("in", set(RIGHTS))
    if len(lines) == 3:
        pid, session = lines[1].split()
        assert pid == session, "a session of its own"
    process.delete()
    with pytest.raises(pyrunc.ExecutableNotFound):
        traced.exec(evolve(own, args=("/nothing",)), stdio=Stdio.null(), monitor=monitor)
    killed = traced.exec(evolve(own, args=("sleep", "300")), stdio=Stdio.null(), monitor=monitor)
    killed.kill("KILL")
    assert killed.wait(30).signal == 9
    killed.delete()
    assert traced.execs() == []
    traced.delete(force=True)


@BOTH
def test_its_terminal_is_its_own(traced: Container, monitor: bool) -> None:
    own = traced.spec().process
    assert own is not None
    shell = evolve(
        own, args=("sh", "-c", "echo says; tty; ps -o pid,tty | tail -1; read line; echo got $line"), terminal=True
    )
    process = traced.exec(shell, stdio=Stdio.pipes(), monitor=monitor)
    with process.streams() as streams:
        assert streams.console is not None
        said = b""
        while b"/dev/pts/0" not in said:
            said += os.read(streams.console, 1000)
        os.write(streams.console, b"\x03")
        assert process.wait(30).signal == 2, "the keys of the terminal are for its foreground group"
    process.delete()
    traced.delete(force=True)
