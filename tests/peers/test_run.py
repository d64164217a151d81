"""``docker run``: exit codes, streams, and what the flags make of the process."""

from __future__ import annotations

import hashlib
import json

import pytest

from .conftest import Engine

NET = ("--network", "none")


def test_output_and_error_stay_apart(engine: Engine) -> None:
    result = engine.docker("run", "--rm", *NET, "busybox", "sh", "-c", "echo out; echo err >&2")
    assert (result.returncode, result.stdout, result.stderr) == (0, "out\n", "err\n")


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_exit_code_is_the_program_s(engine: Engine, code: int) -> None:
    assert engine.docker("run", "--rm", *NET, "busybox", "sh", "-c", f"exit {code}").returncode == code


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (("busybox", "no-such-command"), 127, "executable file not found"),
        (("busybox", "/etc/passwd"), 126, "permission denied"),
        (("--network", "no-such-network", "busybox", "true"), 125, "no-such-network"),
        (("--name", "bad name", "busybox", "true"), 125, "Invalid container name"),
        (("--pull", "never", "no-such-image", "true"), 125, "No such image"),
    ],
)
def test_what_cannot_be_run(engine: Engine, args: tuple[str, ...], code: int, text: str) -> None:
    flags = () if "--network" in args else NET
    result = engine.docker("run", "--rm", *flags, *args)
    assert (result.returncode, text in result.stderr) == (code, True), result.stderr
    assert engine.ok("ps", "-aq") == ""


@pytest.mark.parametrize(
    ("flags", "command", "output"),
    [
        (("-e", "A=1 2"), "echo $A", "1 2"),
        (("-w", "/tmp"), "pwd", "/tmp"),
        (("-w", "/made/here"), "pwd", "/made/here"),
        (("-u", "daemon"), "id -u; id -g", "1\n1"),
        (("-u", "12:34"), "id -u; id -g", "12\n34"),
        (("--hostname", "box"), "hostname; cat /etc/hostname", "box\nbox"),
        (("--tmpfs", "/scratch:size=1m"), "stat -f -c %T /scratch", "tmpfs"),
        (("--ulimit", "nofile=123:456"), "ulimit -n; ulimit -Hn", "123\n456"),
        (("--cap-drop", "ALL"), "grep CapEff /proc/self/status", "CapEff:\t0000000000000000"),
        (("--cap-drop", "ALL", "--cap-add", "CHOWN"), "grep CapEff /proc/self/status", "CapEff:\t0000000000000001"),
        ((), "grep CapEff /proc/self/status", "CapEff:\t00000000a80425fb"),
        (("--security-opt", "no-new-privileges"), "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1"),
        ((), "grep Seccomp: /proc/self/status", "Seccomp:\t2"),
        (("--security-opt", "seccomp=unconfined"), "grep Seccomp: /proc/self/status", "Seccomp:\t0"),
        (("--shm-size", "8m"), "df -k /dev/shm | tail -1 | awk '{print $2}'", "8192"),
        ((), "ls /sys/class/net", "lo"),
        ((), "echo $$", "1"),
    ],
)
def test_flags_as_seen_inside(engine: Engine, flags: tuple[str, ...], command: str, output: str) -> None:
    assert engine.ok("run", "--rm", *NET, *flags, "busybox", "sh", "-c", command) == output


def test_read_only_root(engine: Engine) -> None:
    result = engine.docker("run", "--rm", *NET, "--read-only", "busybox", "touch", "/file")
    assert (result.returncode, "Read-only file system" in result.stderr) == (1, True)


def test_entrypoint_is_replaced(engine: Engine) -> None:
    assert engine.ok("run", "--rm", *NET, "--entrypoint", "echo", "busybox", "a", "b") == "a b"


def test_init_is_process_one(engine: Engine) -> None:
    command = "readlink /proc/1/exe | grep -c busybox; echo $$"
    lines = engine.ok("run", "--rm", *NET, "--init", "busybox", "sh", "-c", f"{command}; true").split()
    assert lines[0] == "0"
    assert int(lines[1]) > 1


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -KILL $$", 137), ("kill -TERM $$", 143)])
def test_init_ends_as_the_program_ended(engine: Engine, script: str, code: int) -> None:
    assert engine.docker("run", "--rm", *NET, "--init", "busybox", "sh", "-c", script).returncode == code


def test_init_reaps_orphans_and_passes_signals_on(engine: Engine) -> None:
    script = "trap 'echo told; exit 5' TERM; (usleep 300000 &); while :; do sleep 0.05; done"
    engine.ok("run", "-d", "--name", "reaping", *NET, "--init", "busybox", "sh", "-c", script)
    # a zombie would stay in the list as "usleep <defunct>"
    engine.until(lambda: "usleep" not in engine.ok("top", "reaping", "-o", "pid,comm"))
    engine.ok("stop", "reaping")
    assert engine.ok("logs", "reaping") == "told"
    assert engine.ok("inspect", "-f", "{{.State.ExitCode}}", "reaping") == "5"


def test_init_of_a_command_that_is_not_there(engine: Engine) -> None:
    result = engine.docker("run", "--rm", *NET, "--init", "busybox", "no-such-command")
    assert result.returncode == 127


def test_volume_is_the_host_s_directory(engine: Engine) -> None:
    shared = engine.directory / "shared"
    shared.mkdir()
    (shared / "in").write_text("from the host")
    volume = f"{shared}:/data"
    assert engine.ok("run", "--rm", *NET, "-v", volume, "busybox", "sh", "-c", "cat /data/in; echo x > /data/out") == (
        "from the host"
    )
    assert (shared / "out").read_text() == "x\n"
    assert engine.docker("run", "--rm", *NET, "-v", f"{volume}:ro", "busybox", "touch", "/data/no").returncode == 1


def test_limits_by_their_effect(engine: Engine) -> None:
    forks = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 & done; echo made"
    result = engine.docker("run", "--rm", *NET, "--pids-limit", "6", "busybox", "sh", "-c", forks)
    assert "can't fork" in result.stderr

    hog = ("--memory", "32m", "--memory-swap", "32m", "busybox", "sh", "-c", "x=a; while :; do x=$x$x; done")
    assert engine.docker("run", "--name", "hog", *NET, *hog).returncode == 137
    assert engine.ok("inspect", "-f", "{{.State.OOMKilled}} {{.State.ExitCode}}", "hog") == "true 137"


def test_limits_are_told_by_inspect(engine: Engine) -> None:
    flags = ("--memory", "64m", "--cpus", "0.5", "--pids-limit", "99")
    engine.ok("create", "--name", "limits", *NET, *flags, "busybox", "true")
    told = json.loads(engine.ok("inspect", "limits"))[0]["HostConfig"]
    assert (told["Memory"], told["NanoCpus"], told["PidsLimit"]) == (64 << 20, 500_000_000, 99)


def test_standard_input_in_full(engine: Engine) -> None:
    data = "0123456789abcdef" * (5 << 16)
    digest = engine.ok("run", "--rm", "-i", *NET, "busybox", "sha256sum", stdin=data)
    assert digest.split()[0] == hashlib.sha256(data.encode()).hexdigest()


def test_cidfile_and_name(engine: Engine) -> None:
    cidfile = engine.directory / "cid"
    container = engine.ok("run", "-d", "--name", "named", "--cidfile", str(cidfile), *NET, "busybox", "sleep", "60")
    assert cidfile.read_text() == container
    again = engine.docker("run", "--rm", "--name", "named", *NET, "busybox", "true")
    assert (again.returncode, "is already in use by container" in again.stderr) == (125, True)
