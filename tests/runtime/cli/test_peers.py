"""The same commands to pyrunc, runc and crun on the same bundle. What is asserted here holds for all three."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from tests.runtime.cli.conftest import Command, MakeBundle

pytestmark = pytest.mark.peer

SCHEMAS = Path(__file__).resolve().parents[4] / "shared/reference/runtime-spec"


def validate(document: object, schema: str) -> None:
    """Against the specification's own schema, which lies beside the project; in CI its absence is a failure, not a check left out."""
    assert SCHEMAS.is_dir() or not os.environ.get("CI"), f"{SCHEMAS} is not there"
    if SCHEMAS.is_dir():
        registry: Registry[Any] = Registry(retrieve=_schema)  # type: ignore[call-arg]  # attrs, which mypy does not see through
        validator = jsonschema.Draft4Validator({"$ref": schema}, registry=registry)
        validator.validate(document)


def _schema(name: str) -> Resource[Any]:
    content = json.loads((SCHEMAS / name).read_text())
    content.pop("id", None)  # an address on the web, which references would be resolved against
    return DRAFT4.create_resource(content)


def test_run(anyone: Command, make_bundle: MakeBundle, name: str) -> None:
    bundle = make_bundle("cat; echo said; echo wrong >&2; exit 7")
    done = anyone("run", "--bundle", str(bundle), name, stdin="given\n")
    assert (done.returncode, done.stdout) == (7, "given\nsaid\n")
    assert "wrong\n" in done.stderr
    assert anyone("state", name).returncode == 1


def test_run_in_the_bundle_itself(anyone: Command, make_bundle: MakeBundle, name: str) -> None:
    done = anyone("run", name, cwd=make_bundle("echo", "here"))
    assert (done.returncode, done.stdout) == (0, "here\n")


def test_a_signal_is_128_and_its_number(anyone: Command, make_bundle: MakeBundle, name: str) -> None:
    bundle = make_bundle("sleep", "60")
    with subprocess.Popen(anyone.line("run", "-b", str(bundle), name), stdin=subprocess.DEVNULL) as running:
        wait_for(anyone, name, "running")
        assert anyone("kill", name, "KILL").returncode == 0
        assert running.wait(10) == 137


def test_signals_are_passed_on(anyone: Command, make_bundle: MakeBundle, name: str) -> None:
    bundle = make_bundle("trap 'exit 9' TERM; echo ready; while sleep 0.05; do :; done")
    command = anyone.line("run", "-b", str(bundle), name)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as running:
        assert running.stdout
        assert running.stdout.readline() == b"ready\n"
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 9


def wait_for(command: Command, name: str, status: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        done = command("state", name)
        if done.returncode == 0 and json.loads(done.stdout)["status"] == status:
            found: dict[str, Any] = json.loads(done.stdout)
            return found
        time.sleep(0.02)
    raise AssertionError(f"{name} is not {status}: {done.stdout}{done.stderr}")


def test_the_states(anyone: Command, make_bundle: MakeBundle, name: str, tmp_path: Path) -> None:
    bundle = make_bundle("sleep", "60")
    pid_file = tmp_path / "pid"
    assert anyone.quietly("create", "--bundle", str(bundle), "--pid-file", str(pid_file), name) == 0
    created = anyone.state(name)
    validate(created, "state-schema.json")
    assert (created["id"], created["status"], created["bundle"]) == (name, "created", str(bundle))
    assert created["pid"] == int(pid_file.read_text())
    assert not Path(f"/proc/{created['pid']}/root/nothing").exists()
    assert anyone("start", name).returncode == 0
    running = anyone.state(name)
    validate(running, "state-schema.json")
    assert (running["status"], running["pid"]) == ("running", created["pid"])
    assert anyone("start", name).returncode == 1
    assert anyone("delete", name).returncode == 1
    assert anyone("pause", name).returncode == 0
    assert anyone.state(name)["status"] == "paused"
    assert anyone("resume", name).returncode == 0
    assert anyone("kill", name, "9").returncode == 0
    stopped = wait_for(anyone, name, "stopped")
    validate(stopped, "state-schema.json")
    assert anyone("kill", name, "9").returncode == 1
    assert anyone("exec", name, "true").returncode != 0
    assert anyone("delete", name).returncode == 0
    assert anyone("state", name).returncode == 1
    assert anyone("delete", name).returncode == 1
    assert anyone("delete", "--force", name).returncode == 0


@pytest.mark.parametrize("signal_name", ["KILL", "SIGKILL", "9"])
def test_kill_by_name_and_number(anyone: Command, make_bundle: MakeBundle, name: str, signal_name: str) -> None:
    assert anyone.quietly("run", "-d", "-b", str(make_bundle("sleep", "60")), name) == 0
    assert anyone("kill", name, signal_name).returncode == 0
    wait_for(anyone, name, "stopped")
    assert anyone("delete", name).returncode == 0


def test_exec(anyone: Command, make_bundle: MakeBundle, name: str, tmp_path: Path) -> None:
    assert anyone.quietly("run", "-d", "-b", str(make_bundle("sleep", "60")), name) == 0
    done = anyone("exec", name, "sh", "-c", "cat; echo out; echo err >&2; exit 3", stdin="in\n")
    assert (done.returncode, done.stdout) == (3, "in\nout\n")
    assert "err\n" in done.stderr
    options = ["--user", "1000:1001", "--env", "WORD=given", "--env", "MORE=too", "--cwd", "/tmp"]
    done = anyone("exec", *options, name, "/bin/sh", "-c", "/bin/id -u; /bin/id -g; echo $WORD $MORE; pwd")
    assert (done.returncode, done.stdout) == (0, "1000\n1001\ngiven too\n/tmp\n")
    done = anyone("exec", "--cap", "CAP_CHOWN", name, "grep", "CapEff", "/proc/self/status")
    assert int(done.stdout.split()[1], 16) & 1
    process = {
        "args": ["sh", "-c", "echo $A; pwd"],
        "cwd": "/etc",
        "env": ["A=b", "PATH=/bin"],
        "user": {"uid": 0, "gid": 0},
    }
    (tmp_path / "process.json").write_text(json.dumps(process))
    done = anyone("exec", "--process", str(tmp_path / "process.json"), name)
    assert (done.returncode, done.stdout) == (0, "b\n/etc\n")
    pid_file = tmp_path / "exec-pid"
    assert anyone.quietly("exec", "--detach", "--pid-file", str(pid_file), name, "sleep", "61") == 0
    assert Path(f"/proc/{int(pid_file.read_text())}/cmdline").read_bytes() == b"sleep\x0061\0"
    assert anyone("exec", name, "/nosuch").returncode in (1, 255, 127)
    assert anyone("delete", "-f", name).returncode == 0


def test_keep(pyrunc: Command, make_bundle: MakeBundle, name: str) -> None:
    assert pyrunc("run", "--keep", "-b", str(make_bundle("exit 4; :")), name).returncode == 4
    assert pyrunc.state(name)["status"] == "stopped"
    assert pyrunc("delete", name).returncode == 0


def test_list(anyone: Command, make_bundle: MakeBundle, name: str) -> None:
    assert anyone("list", "-q").stdout == ""
    bundle = make_bundle("sleep", "60")
    assert anyone.quietly("create", "-b", str(bundle), name) == 0
    assert anyone("list", "-q").stdout.split() == [name]
    (listed,) = json.loads(anyone("list", "--format", "json").stdout)
    assert (listed["id"], listed["status"], listed["bundle"], listed["owner"]) == (name, "created", str(bundle), "root")
    heading, row = anyone("list").stdout.splitlines()
    assert heading.split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"] or anyone.name == "crun"
    assert row.split()[:3] == [name, str(listed["pid"]), "created"]
    assert anyone("delete", name).returncode == 0


def test_tables_are_laid_out_alike(pyrunc: Command, runc: Command, make_bundle: MakeBundle, name: str) -> None:
    bundle = make_bundle("sleep", "60")
    tables = []
    for command in (pyrunc, runc):
        assert command("list").stdout.splitlines()[0].startswith("ID          PID")
        assert command.quietly("create", "-b", str(bundle), name) == 0
        tables.append(command("list").stdout.splitlines())
        assert command("delete", name).returncode == 0
    columns = [[heading.index(word) for word in ("ID", "PID", "STATUS", "BUNDLE", "CREATED")] for heading, _ in tables]
    assert columns[0] == columns[1]


def test_spec(anyone: Command, tmp_path: Path) -> None:
    assert anyone("spec", cwd=tmp_path).returncode == 0
    validate(json.loads((tmp_path / "config.json").read_text()), "config-schema.json")
    assert anyone("spec", cwd=tmp_path).returncode == 1, "it is there already"


@pytest.mark.parametrize("options", [(), ("--rootless",)])
def test_spec_is_runcs(pyrunc: Command, runc: Command, tmp_path: Path, options: tuple[str, ...]) -> None:
    documents = []
    for command in (pyrunc, runc):
        (tmp_path / command.name).mkdir()
        assert command("spec", *options, cwd=tmp_path / command.name).returncode == 0
        documents.append(json.loads((tmp_path / command.name / "config.json").read_text()))
    ours, theirs = documents
    assert set(ours["linux"].pop("maskedPaths")) >= set(theirs["linux"].pop("maskedPaths"))
    assert "noexec" in ours["mounts"][0].pop("options"), "stricter on /proc, as docker is"
    del theirs["process"]["capabilities"]["ambient"]  # no more in later versions of runc
    for document in documents:
        del document["ociVersion"], document["hostname"]
        kinds = {entry["type"] for entry in document["linux"].pop("namespaces")}
        assert kinds >= {"pid", "ipc", "uts", "mount"}
        assert ("user" in kinds, "network" in kinds) == (bool(options), not options)
    assert ours == theirs


@pytest.mark.parametrize("command", ["nosuch", "/etc/passwd", "/nosuch/program"])
def test_a_program_that_cannot_be_executed(anyone: Command, make_bundle: MakeBundle, name: str, command: str) -> None:
    done = anyone("run", "-b", str(make_bundle(command, "x")), name)
    assert done.returncode == 1
    assert command in done.stderr or anyone.name == "crun"
    assert anyone("state", name).returncode == 1


def test_words_are_runcs(pyrunc: Command, runc: Command, make_bundle: MakeBundle, name: str) -> None:
    """Clients of runc look for these in the log."""
    for program in ("nosuch", "/etc/passwd", "/no/such"):
        bundle = make_bundle(program, "x")
        theirs = json.loads(last(runc("run", "-b", str(bundle), name, before=("--log-format", "json")).stderr))["msg"]
        ours = json.loads(last(pyrunc("run", "-b", str(bundle), name, before=("--log-format", "json")).stderr))["msg"]
        assert ours.split("exec: ")[1] == theirs.split("exec: ")[1]
    for command in (pyrunc, runc):
        assert "does not exist" in command("state", name).stderr
        assert command.quietly("run", "-b", str(make_bundle("true")), name) == 0
        assert command.quietly("run", "-d", "-b", str(make_bundle("true")), name) == 0
        wait_for(command, name, "stopped")
        assert "container not running" in command("kill", name).stderr
        assert command("delete", name).returncode == 0


def last(text: str) -> str:
    return text.strip().splitlines()[-1]


def test_the_log(anyone: Command, name: str, tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    done = anyone("state", name, before=("--log", str(log), "--log-format", "json"))
    assert done.returncode == 1
    entry = json.loads(last(log.read_text()))
    assert entry["level"] == "error"
    assert set(entry) == {"level", "msg", "time"}
    assert name in entry["msg"] or anyone.name == "runc"


def test_preserved_descriptors(anyone: Command, make_bundle: MakeBundle, name: str) -> None:
    bundle = make_bundle("cat <&3; true")
    read, write = os.pipe()
    os.write(write, b"passed on\n")
    os.close(write)
    line = shlex.join(anyone.line("run", "--preserve-fds", "1", "-b", str(bundle), name))
    done = subprocess.run(
        ["bash", "-c", f"exec {line} 3<&{read}"], pass_fds=[read], stdin=subprocess.DEVNULL, capture_output=True
    )
    os.close(read)
    assert done.stdout == b"passed on\n", done.stderr
