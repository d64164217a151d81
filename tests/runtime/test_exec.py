"""More processes in a container that runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve

import pyrunc
from pyrunc import Capabilities, Container, Process, Rlimit, Runtime, Stdio, User
from tests.runtime.conftest import Bundle, read_all


@pytest.fixture
def container(runtime: Runtime, bundle: Bundle) -> Container:
    made = runtime.create("web", bundle.path, spec=bundle.spec("sleep", "600"), stdio=Stdio.null())
    made.start()
    return made


def own(container: Container, *args: str, **changes: object) -> Process:
    """The container's own process with another command."""
    process = container.spec().process
    assert process
    command = ("sh", "-c", args[0]) if len(args) == 1 else args
    return evolve(process, args=command, **changes)  # type: ignore[arg-type]


def output(container: Container, process: Process) -> str:
    started = container.exec(process, stdio=Stdio.pipes())
    with started.streams() as streams:
        text = read_all(streams.stdout) + read_all(streams.stderr)
    assert started.wait(10).code == 0, text
    started.delete()
    return text


def test_it_is_in_the_container(container: Container) -> None:
    kinds = ("mnt", "uts", "ipc", "pid", "net", "cgroup")
    text = output(container, own(container, f"cd /proc/self/ns; for n in {' '.join(kinds)}; do readlink $n; done"))
    assert text.split() == [str(Path(f"/proc/{container.pid}/ns/{kind}").readlink()) for kind in kinds]
    assert "sleep 600" in output(container, own(container, "ps"))
    groups = Path(f"/proc/{container.pid}/cgroup").read_text()
    started = container.exec(own(container, "sleep", "60"), stdio=Stdio.null())
    assert Path(f"/proc/{started.pid}/cgroup").read_text() == groups
    assert started.pid in container.processes()
    started.kill("KILL")
    assert started.wait(10).signal == 9


def test_user_groups_capabilities_limits_directory_environment(container: Container) -> None:
    process = own(
        container,
        "id -u; id -g; id -G; pwd; echo $WORD; ulimit -n; grep -E 'Cap(Eff|Bnd)|NoNewPrivs' /proc/self/status; umask",
        user=User(uid=1000, gid=1001, additional_gids=(7, 8), umask=0o027),
        cwd="/tmp",
        env=("PATH=/bin", "WORD=given"),
        capabilities=Capabilities(bounding=("CAP_KILL",)),
        rlimits=(Rlimit(type="RLIMIT_NOFILE", soft=77, hard=88),),
    )
    lines = output(container, process).split("\n")
    assert lines[:6] == ["1000", "1001", "1001 7 8", "/tmp", "given", "77"]
    assert [line.split()[-1] for line in lines[6:9]] == ["0000000000000000", "0000000000000020", "1"]
    assert lines[9] == "0027"


def test_failures_are_told_apart(container: Container) -> None:
    with pytest.raises(pyrunc.ExecutableNotFound, match=r'"nosuch": executable file not found in \$PATH') as caught:
        container.exec(own(container, "nosuch", "x"), stdio=Stdio.null())
    assert caught.value.exit_code == 127
    with pytest.raises(pyrunc.ExecutableNotPermitted, match='"/etc/passwd": permission denied') as denied:
        container.exec(own(container, "/etc/passwd", "x"), stdio=Stdio.null())
    assert denied.value.exit_code == 126
    with pytest.raises(pyrunc.OperationFailed, match=r"process.cwd .*/no/where"):
        container.exec(own(container, "true", "x", cwd="/no/where"), stdio=Stdio.null())
    with pytest.raises(pyrunc.SpecError, match=r"process\.cwd: expected an absolute path"):
        container.exec(own(container, "true", "x", cwd="tmp"), stdio=Stdio.null())


def test_monitored_ones_are_found_by_others(container: Container, runtime: Runtime) -> None:
    started = container.exec(own(container, "echo said; exit 9"), stdio=Stdio.pipes(), monitor=True, exec_id="one")
    assert started.wait(10).code == 9
    code = "import pyrunc, sys, os; c = pyrunc.Runtime(sys.argv[1]).get('web'); e = c.get_exec('one')\n"
    code += "print([x.id for x in c.execs()], e.wait(1).code, os.read(e.streams().stdout, 9))"
    done = subprocess.run([sys.executable, "-c", code, runtime.root], capture_output=True, text=True, check=True)
    assert done.stdout == "['one'] 9 b'said\\n'\n"
    with pytest.raises(pyrunc.PyruncError, match="exec 'one' of container 'web' exists already"):
        container.exec(own(container, "true", "x"), stdio=Stdio.null(), monitor=True, exec_id="one")
    started.delete()
    with pytest.raises(pyrunc.ExecNotFound):
        container.get_exec("one")


def test_a_running_one_is_not_deleted_and_ends_with_its_container(container: Container) -> None:
    started = container.exec(own(container, "sleep", "60"), stdio=Stdio.null(), monitor=True, exec_id="two")
    with pytest.raises(pyrunc.InvalidState, match="running"):
        started.delete()
    container.delete(force=True)
    assert not started.running()


def test_not_in_a_container_that_has_ended(container: Container) -> None:
    container.kill("KILL")
    container.wait(10)
    with pytest.raises(pyrunc.InvalidState, match="cannot exec in container 'web': it is stopped"):
        container.exec(own(container, "true", "x"), stdio=Stdio.null())


def test_a_terminal_of_its_own(container: Container) -> None:
    started = container.exec(
        own(container, "tty; stty size", terminal=True, console_size=pyrunc.ConsoleSize(height=9, width=99))
    )
    with started.streams() as streams:
        assert read_all(streams.console) == "/dev/pts/0\r\n9 99\r\n"
    assert started.wait(10).code == 0
