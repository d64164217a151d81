"""What is pyrunc's own: explain, its errors, its options. No traceback ever reaches the user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.cli.conftest import PYRUNC, Command, MakeBundle


def test_explain_a_bundle(pyrunc: Command, make_bundle: MakeBundle) -> None:
    bundle = make_bundle("true")
    done = pyrunc("explain", str(bundle))
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert any("Clone flags=" in line and "linux.namespaces" in line for line in lines)
    assert any("SetHostname" in line and line.endswith("← hostname") for line in lines)
    assert "ExecVe argv=[true]" in lines[-1]
    assert pyrunc("explain", cwd=bundle).stdout == done.stdout
    operations = json.loads(pyrunc("explain", "--format", "json", str(bundle)).stdout)
    assert [entry["operation"] for entry in operations] == [line.split()[1] for line in lines]


def test_explain_a_container(pyrunc: Command, make_bundle: MakeBundle, name: str) -> None:
    bundle = make_bundle("sleep", "60")
    assert pyrunc.quietly("create", "-b", str(bundle), name) == 0
    (bundle / "config.json").unlink()
    done = pyrunc("explain", name)
    assert done.returncode == 0
    assert "argv=[sleep, 60]" in done.stdout.replace("'", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["frob"], "there is no command 'frob'"),
        (["run"], "container-id"),
        (["run", "a", "b"], "unrecognized arguments: b"),
        (["state", "--frob", "a"], "unrecognized arguments: --frob"),
        (["run", "--preserve-fds", "x", "a"], "--preserve-fds"),
        (["run", "--preserve-fds", "-1", "a"], "--preserve-fds"),
        (["state", "../a"], "invalid id '../a'"),
        (["state", "none"], "container 'none' does not exist"),
        (["kill", "none"], "container 'none' does not exist"),
        (["exec", "none", "true"], "container 'none' does not exist"),
        (["start", "none"], "container 'none' does not exist"),
        (["delete", "none"], "container 'none' does not exist"),
        (["run", "--bundle", "/no/where", "a"], "No such file or directory: '/no/where/config.json'"),
        (["explain", "/no/where"], "No such file or directory: '/no/where/config.json'"),
        (["explain", "none"], "container 'none' does not exist"),
        (["spec", "--bundle", "/no/where"], "No such file or directory: '/no/where/config.json'"),
        (["--log-format", "xml", "list"], "--log-format"),
        (["--log", "/no/where/log", "list"], "/no/where/log"),
        (["--systemd-cgroup", "list"], "--systemd-cgroup: systemd does not run on this machine"),
        (["--root", "/proc/none", "run", "a"], "config.json"),
        (["list", "--format", "xml"], "--format"),
    ],
)
def test_mistakes(tmp_short: Path, words: list[str], said: str) -> None:
    done = subprocess.run([PYRUNC, "--root", str(tmp_short), *words], capture_output=True, text=True, cwd=tmp_short)
    assert done.returncode in (1, 255)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_short.iterdir())


def test_hostile_configurations(pyrunc: Command, make_bundle: MakeBundle, name: str) -> None:
    bundle = make_bundle("true")
    for content in (
        b"",
        b"[]",
        b"{",
        b"\0",
        b"[" * 200_000,
        b'{"ociVersion": "1.0.0"}',
        b'{"ociVersion": {"a": [1]}}',
        b"1e999",
    ):
        (bundle / "config.json").write_bytes(content)
        done = pyrunc("run", "-b", str(bundle), name)
        assert done.returncode == 1
        assert "pyrunc run failed: " in done.stderr
        assert "Traceback" not in done.stderr
        assert "unexpected" not in done.stderr
    assert pyrunc("list", "-q").stdout == ""


def test_a_fault_of_our_own_is_no_traceback_either(tmp_short: Path) -> None:
    code = "import pyrunc.runtime, pyrunc.cli\n"
    code += "def fail(*_): raise ZeroDivisionError('inner fault')\n"
    code += "pyrunc.runtime.Runtime.ids = fail\nraise SystemExit(pyrunc.cli.main())"
    command = [sys.executable, "-c", code, "--root", str(tmp_short)]
    done = subprocess.run([*command, "list"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "unexpected ZeroDivisionError: inner fault" in done.stderr
    assert "Traceback" not in done.stderr
    log = tmp_short / "log"
    subprocess.run([*command, "--debug", "--log", str(log), "list"], capture_output=True)
    assert "Traceback" in log.read_text(), "where it was asked for"


def test_a_reader_that_goes(pyrunc: Command) -> None:
    line = " ".join(pyrunc.line("--help"))
    done = subprocess.run(["sh", "-c", f"{line} | true"], capture_output=True, text=True)
    assert done.stderr == ""
    done = subprocess.run(["sh", "-c", f"{' '.join(pyrunc.line('list'))} >/dev/full"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_version_and_help(pyrunc: Command) -> None:
    for option in ("--version", "-v"):
        lines = pyrunc(option).stdout.splitlines()
        assert lines[0].startswith("pyrunc version ")
        assert "spec: 1.3.0" in lines
    listed = pyrunc("--help").stdout
    for command in ("create", "start", "run", "exec", "state", "kill", "delete", "list", "spec", "explain"):
        assert f"  {command} " in listed
        assert pyrunc(command, "--help").returncode == 0


def test_debug_tells_how_long_it_took(pyrunc: Command, make_bundle: MakeBundle, name: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    done = pyrunc("run", "-b", str(make_bundle("true")), name, before=("--debug", "--log", str(log)))
    assert done.returncode == 0
    assert "runtime: create took " in log.read_text()


def test_without_cgroups(pyrunc: Command, make_bundle: MakeBundle, name: str) -> None:
    bundle = make_bundle("cat", "/proc/self/cgroup")
    done = pyrunc("run", "-b", str(bundle), name, before=("--cgroup-manager", "disabled"))
    assert done.returncode == 0, done.stderr
    assert name not in done.stdout


def test_another_configuration(pyrunc: Command, make_bundle: MakeBundle, name: str, tmp_path: Path) -> None:
    """crun's --config."""
    bundle = make_bundle("echo", "moved")
    (bundle / "config.json").rename(tmp_path / "other.json")
    done = pyrunc("run", "--config", str(tmp_path / "other.json"), "-b", str(bundle), name)
    assert (done.returncode, done.stdout) == (0, "moved\n")


def test_socket_activation(pyrunc: Command, make_bundle: MakeBundle, name: str) -> None:
    bundle = make_bundle("echo $LISTEN_FDS $LISTEN_PID; cat <&3")
    read, write = os.pipe()
    os.write(write, b"listening\n")
    os.close(write)
    line = " ".join(pyrunc.line("run", "-b", str(bundle), name))
    script = f"LISTEN_FDS=1 LISTEN_PID=$$ exec {line} 3<&{read}"
    done = subprocess.run(
        ["bash", "-c", script], pass_fds=[read], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    os.close(read)
    assert (done.stdout, done.stderr) == ("1 1\nlistening\n", "")


def test_a_pid_file_that_cannot_be_written(pyrunc: Command, make_bundle: MakeBundle, name: str) -> None:
    done = pyrunc("create", "--pid-file", "/no/where/pid", "-b", str(make_bundle("true")), name)
    assert done.returncode == 1
    assert "/no/where/" in done.stderr
    assert pyrunc("list", "-q").stdout == ""


def test_ps(pyrunc: Command, make_bundle: MakeBundle, name: str) -> None:
    assert pyrunc.quietly("run", "-d", "-b", str(make_bundle("sleep", "77")), name) == 0
    (pid,) = json.loads(pyrunc("ps", "--format", "json", name).stdout)
    assert pid == pyrunc.state(name)["pid"]
    heading, line = pyrunc("ps", name).stdout.splitlines()
    assert "PID" in heading
    assert "sleep 77" in line


def test_nothing_is_imported_that_a_command_does_not_use(pyrunc: Command) -> None:
    code = "import sys; from pyrunc.cli import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, *pyrunc.line("list")[1:]], capture_output=True, text=True)
    loaded = set(done.stderr.split())
    assert "pyrunc.cli.list" in loaded
    assert (
        not {
            "pyrunc.spec",
            "pyrunc.compile",
            "pyrunc.plan",
            "pyrunc._native",
            "pyrunc.seccomp",
            "logging",
            "subprocess",
        }
        & loaded
    )
