"""Registries, contexts, disk usage and pruning beside the real docker CLI: the same output, messages and exit codes."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.commands.conftest import SPEAKS_LIKE, Pair
from tests.support.cli_version import needs_cli
from tests.support.daemon import Daemon
from tests.support.index import index
from tests.support.leftovers import OWNED
from tests.support.registry import PASSWORD, USER, Registry, registry
from tests.support.run import RUN

pytestmark = [
    pytest.mark.peer,
    needs_cli(SPEAKS_LIKE, "words to compare with"),
]

COMMANDS = r"""
create --ip 1.2 busybox
create --mac-address x busybox
create --device-read-bps x busybox
create --device-read-bps /x:1 busybox
create --device-read-bps /dev/x:1z busybox
create --device-read-iops /dev/x:1z busybox
create --blkio-weight-device /dev/x busybox
create --blkio-weight-device /dev/x:9 busybox
create --kernel-memory 1x busybox
create --link a:b:c busybox
create --isolation foo busybox true
create --network name=x,foo=1 busybox true
create --network name=none,alias=x busybox true
create --network-alias x busybox true
create --network none --network none busybox true
create --network none --network web busybox true
create --network name=web,ip=1.2.3.4 --ip 1.2.3.5 busybox true
images --format '{{.Nope}}'
images --format '{{'
ps --format '{{'
history busybox --format '{{.Nope}}'
stats --no-stream --format '{{.Nope}}'
info --format '{{.Name}} {{.Nope}}'
cp
cp a b
cp web:/a web:/b
cp '' x
cp - web:/nope
cp web:/nope /tmp
cp nope:/x /tmp
cp /etc/passwd nope:/x
cp web:/etc /nope/x
diff nope
diff
commit nope
commit web Bad
commit
export nope
export -o /nope/x web
export
save -o /nope/x busybox
import
system df
system df -v
system df --format json
system df -v --format json
system df --format '{{.Nope}}'
system df --format '{{'
system df --format 'table {{.Type}}\t{{.Size}}'
system df -v --format '{{.Nope}}'
system df foo
system prune
system prune -a --volumes
system prune --filter label=x
system prune --filter until=1h --volumes
system prune -f foo
system prune -f --filter label=nobody-has-it
container prune
container prune -f --filter bogus=1
container prune -f --filter label=nobody-has-it
image prune
image prune -a
image prune -f --filter foo
image prune -f --filter label=nobody-has-it
images --format '{{.VirtualSize}} {{.UniqueSize}} {{.SharedSize}}'
search
search a b
login
login -u x
login -u x -p y --password-stdin z
login --password-stdin x
login -u x -p y 127.0.0.1:1
logout
logout somewhere:5000
system dial-stdio foo
-c nope ps
-H unix:///nope -c x ps
--tls=false ps -q
-D=false ps -q
context show
context ls
context ls -q
context ls --format json
context ls --format '{{.Nope}}'
context inspect
context inspect nope
context use nope
context use default
context rm default
context rm nope
context rm
context create
context create default
context create x
context create far --docker nope=1
context create far --docker ca=/nope,host=tcp://x:1
context update nope
context export nope -
context import nope /nope
context bogus
context
"""


@pytest.mark.parametrize("line", COMMANDS.strip().splitlines())
def test_same(pair: Pair, line: str) -> None:
    if line != "context":  # help has its own layout
        pair.compare(*shlex.split(line))
    else:
        assert "Manage contexts" in pair.ok(line)


def test_prune_removes_what_is_meant(removing: Pair) -> None:
    ids = [removing.ok("create", "--label", f"who={who}", "busybox", "true") for who in ("theirs", "ours")]
    theirs = removing.daemon.docker("container", "prune", "-f", "--filter", "label=who=theirs").stdout
    ours = removing.ok("container", "prune", "-f", "--filter", "label=who=ours")
    assert ours == theirs.replace(ids[0], ids[1]).rstrip("\n")
    assert f"Deleted Containers:\n{ids[1]}\n\nTotal reclaimed space:" in ours


def test_system_prune_removes_containers_and_images(removing: Pair) -> None:
    made = removing.ok("commit", "-c", "LABEL who=me", "web")
    container = removing.ok("create", "--label", "who=me", "busybox", "true")
    said = removing.ok("system", "prune", "-f", "--filter", "label=who=me")
    assert f"Deleted Containers:\n{container}\n" in said
    assert f"deleted: {made}" in said
    assert said.splitlines()[-1].startswith("Total reclaimed space: ")


def test_search(pair: Pair) -> None:
    with index() as host:
        found = pair.compare("search", f"{host}/busybox").out
        assert "someone/busybox" in found
        pair.compare("search", "--limit", "1", f"{host}/busybox")
        pair.compare("search", "--no-trunc", "--format", "json", f"{host}/busybox")
        pair.compare("search", "-f", "stars=3", f"{host}/busybox")
        pair.compare("search", "-f", "bogus=3", f"{host}/busybox")
        pair.compare("search", "--format", "{{.Nope}}", f"{host}/busybox")


@pytest.fixture(scope="module")
def locked() -> Iterator[Registry]:
    with registry(RUN.short_directory() / "registry", password=True) as made:
        OWNED.processes.add(made.process.pid)
        yield made


def test_login_keeps_what_docker_keeps(pair: Pair, locked: Registry) -> None:
    config = pair.daemon.directory / "config" / "config.json"
    wrong = pair.compare("login", "-u", USER, "--password-stdin", locked.host, input="wrong")
    assert wrong.code == 1
    documents = []
    for tool in (pair.daemon.docker, pair.daemon.pyctl):
        done = tool("login", "-u", USER, "--password-stdin", locked.host, input=PASSWORD + "\n")
        assert (done.returncode, done.stdout) == (0, "Login Succeeded\n"), done.stderr
        documents.append((json.loads(config.read_text()), config.stat().st_mode, done.stderr))
        tool("logout", locked.host)
        assert locked.host not in config.read_text()
    assert documents[0] == documents[1]


def test_login_and_logout_by_a_helper(pair: Pair, locked: Registry, tmp_path: Path) -> None:
    """A helper of the protocol that docker's helpers speak, which keeps each secret in a file."""
    helper = tmp_path / "docker-credential-files"
    helper.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib, sys\n"
        f"home = pathlib.Path({str(tmp_path)!r})\n"
        "text = sys.stdin.read()\n"
        "if sys.argv[1] == 'store': (home / 'kept').write_text(text)\n"
        "elif sys.argv[1] == 'erase': (home / 'kept').unlink()\n"
        "elif (home / 'kept').exists(): print((home / 'kept').read_text())\n"
        "else: sys.exit('credentials not found in native keychain')\n"
    )
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text('{"credsStore": "files", "keep": {"me": 1}}')
    environment = {
        **pair.daemon.environment(),
        "DOCKER_CONFIG": str(tmp_path),
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
    }

    def run(*args: str, input: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pyctl", *args]
        return subprocess.run(command, env=environment, input=input, capture_output=True, text=True, check=False)

    done = run("login", "-u", USER, "--password-stdin", locked.host, input=PASSWORD)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Login Succeeded\n", "")
    document = json.loads((tmp_path / "config.json").read_text())
    assert document == {"credsStore": "files", "keep": {"me": 1}, "auths": {locked.host: {}}}
    assert json.loads((tmp_path / "kept").read_text())["Secret"] == PASSWORD
    name = f"{locked.host}/by/helper:1"
    pair.ok("tag", "busybox", name)
    assert run("push", "-q", name).returncode == 0
    pair.ok("rmi", name)
    assert run("logout", locked.host).returncode == 0
    assert not (tmp_path / "kept").exists()


def test_contexts_are_docker_s(pair: Pair, tmp_path: Path) -> None:
    """What one of the two makes, the other one uses."""
    environment = {
        name: value for name, value in pair.daemon.environment().items() if name not in ("DOCKER_HOST", "PYCTL_HOST")
    }
    environment["DOCKER_CONFIG"] = str(tmp_path)
    tools = {"docker": ["docker"], "pyctl": [sys.executable, "-m", "pyctl"]}

    def run(tool: str, *args: str) -> str:
        done = subprocess.run([*tools[tool], *args], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    host = f"host={pair.daemon.host}"
    for maker, user in (("docker", "pyctl"), ("pyctl", "docker")):
        assert (
            run(maker, "context", "create", f"by-{maker}", "--description", "it", "--docker", host) == f"by-{maker}\n"
        )
        assert run(user, "-c", f"by-{maker}", "ps", "-q") == run(maker, "-c", f"by-{maker}", "ps", "-q") != ""
        run(maker, "context", "use", f"by-{maker}")
        assert run(user, "context", "show") == f"by-{maker}\n"
        assert run(user, "ps", "-q")
        assert json.loads(run(user, "context", "inspect", f"by-{maker}")) == json.loads(
            run(maker, "context", "inspect")
        )
        run(maker, "context", "export", f"by-{maker}", f"{tmp_path}/{maker}.tar")
        run(user, "context", "import", f"again-{maker}", f"{tmp_path}/{maker}.tar")
        run(user, "context", "update", f"again-{maker}", "--description", "changed")
    rows = [
        [line for line in run(tool, "context", "ls").splitlines() if not line.startswith("default")] for tool in tools
    ]
    assert rows[0][1:] == rows[1][1:]
    assert len(rows[0]) == 5
    assert run("pyctl", "context", "rm", "-f", "by-pyctl", "by-docker", "again-docker", "again-pyctl").count("\n") == 4
    assert run("docker", "context", "ls", "-q") == "default\n"


def test_debug_shows_requests_but_no_secrets(shared_daemon: Daemon, tmp_path: Path) -> None:
    done = shared_daemon.pyctl("-D", "login", "-u", "me", "--password-stdin", "127.0.0.1:1", input="sesame")
    assert "DEBUG: POST /v" in done.stderr
    assert "/auth" in done.stderr
    assert '"username": "me"' in done.stderr
    assert "sesame" not in done.stderr
