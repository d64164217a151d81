"""More programs that were written for docker: testcontainers, dockerode (JavaScript), curl."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from tests.support.images import cache_directory
from tests.support.run import RUN

from .conftest import Engine

MAIN_PATH = Path(__file__).with_name("dockerode") / "main_path.js"


@pytest.fixture
def testcontainers(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Its own cleaner is a container of an image that cannot be pulled here: each test ends what it started."""
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)
    return engine


def test_testcontainers(testcontainers: Engine) -> None:
    service = (
        DockerContainer("busybox", network_mode="none")
        .with_command("sh -c 'echo getting up; sleep 0.3; echo ready for $WHO; exec sleep 300'")
        .with_env("WHO", "tests")
        .waiting_for(LogMessageWaitStrategy("ready for tests"))
    )
    with service as started:
        assert started.get_logs()[0] == b"getting up\nready for tests\n"
        code, output = started.exec(["sh", "-c", "echo from inside; exit 2"])
        assert (code, output) == (2, b"from inside\n")
        name = started.get_wrapped_container().name
        assert name in testcontainers.ok("ps", "--format", "{{.Names}}").split()
    assert testcontainers.ok("ps", "-aq") == ""


def test_testcontainers_with_files_and_directories(testcontainers: Engine, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("from the host")
    tmp_path.chmod(0o755)  # for another user
    service = (
        DockerContainer("busybox")
        .with_command(["sh", "-c", "cat /data/mine; echo; exec sleep 300"])
        .with_volume_mapping(str(tmp_path), "/data", "ro")
        .with_kwargs(labels={"by": "testcontainers"}, network_mode="none", user="12")
        .waiting_for(LogMessageWaitStrategy("from the host"))
    )
    with service as started:
        assert started.exec(["id", "-u"]) == (0, b"12\n")
        told = started.get_wrapped_container().attrs["Config"]["Labels"]
        assert (told["by"], "org.testcontainers" in told) == ("testcontainers", True)
    assert testcontainers.ok("ps", "-aq") == ""


@pytest.fixture(scope="session")
def dockerode() -> Path:
    """The directory of node modules with dockerode in it, kept from run to run."""
    home = cache_directory() / "dockerode-4"
    if not (home / "node_modules/dockerode/package.json").exists():
        home.mkdir(exist_ok=True)
        install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(home), "dockerode@4"]
        done = subprocess.run(
            RUN.with_network(install), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
    return home / "node_modules"


def test_dockerode(engine: Engine, dockerode: Path) -> None:
    done = subprocess.run(
        ["node", str(MAIN_PATH), engine.host.removeprefix("unix://")],
        capture_output=True,
        text=True,
        timeout=60,
        env={**engine.environment(), "NODE_PATH": str(dockerode)},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "ping": "OK",
        "run": [3, "out\n", "err\n"],
        "wait": 0,
        "cat": "through",
        "logs": "through",
        "state": "exited",
        "exec": "inside\n",
        "execCode": 4,
        "names": ["/node-sleep"],
        "copied": 0,
        "paused": True,
        "stats": 1,
        "top": 1,
        "changes": True,
        "killed": 137,
        "image": True,
        "untagged": "node:1",
        "events": ["node-renamed"],
        "gone": 404,
    }


def curl(engine: Engine, path: str, *args: str) -> tuple[int, str]:
    """The status and the body."""
    command = [
        "curl",
        "-sS",
        "--max-time",
        "20",
        "-w",
        "\n%{http_code}",
        "--unix-socket",
        engine.host.removeprefix("unix://"),
    ]
    done = subprocess.run([*command, *args, f"http://docker{path}"], capture_output=True, text=True, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def test_curl(engine: Engine) -> None:
    assert curl(engine, "/_ping") == (200, "OK")
    body = {"Image": "busybox", "Cmd": ["echo", "by hand"], "HostConfig": {"NetworkMode": "none"}}
    as_json = ("-H", "Content-Type: application/json", "-d", json.dumps(body))
    status, created = curl(engine, "/v1.44/containers/create?name=by-hand", *as_json)
    assert status == 201
    path = f"/v1.44/containers/{json.loads(created)['Id']}"
    assert curl(engine, f"{path}/start", "-X", "POST") == (204, "")
    assert curl(engine, f"{path}/wait", "-X", "POST") == (200, '{"StatusCode":0}\n')
    assert curl(engine, f"{path}/logs?stdout=1")[1].endswith("by hand\n")
    assert curl(engine, "/v1.44/containers/by-hand", "-X", "DELETE") == (204, "")
    assert curl(engine, "/v1.44/containers/by-hand/json") == (404, '{"message":"No such container: by-hand"}\n')
    assert curl(engine, "/v1.44/containers/create", *as_json[:2], "-d", "{")[0] == 400
