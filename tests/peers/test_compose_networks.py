"""docker compose with networks: a front that is published, three replicas behind one name, a back network that leads nowhere, up again and down."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from .compose import Compose
from .conftest import Engine

PROJECT = """
name: shop
services:
  front:
    image: busybox
    # whoever connects gets the answer of one of the replicas, found by their name
    command: ["sh", "-c", "while :; do nc -w 5 web 9000 </dev/null | nc -l -p 80; done"]
    ports: ["{port}:80"]
    networks: [outer, inner]
  web:
    image: busybox
    command: ["sh", "-c", "while :; do hostname | nc -l -p 9000; done"]
    networks:
      inner: {{aliases: [shop-web]}}
    deploy: {{replicas: 3}}
  data:
    image: busybox
    command: ["sleep", "300"]
    networks:
      inner: {{ipv4_address: 10.235.9.77}}
networks:
  outer: {{}}
  inner:
    internal: true
    ipam: {{config: [{{subnet: 10.235.9.0/24}}]}}
"""


def unused_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def compose(engine: Engine, tmp_path: Path) -> Iterator[Compose]:
    made = Compose(engine, tmp_path)
    yield made
    made.ok("down", "-t", "0", "--remove-orphans")


def answer(port: int) -> str:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
            connection.settimeout(3)
            return connection.makefile().read().strip()
    except OSError:
        return ""


def test_a_project_with_networks(engine: Engine, compose: Compose) -> None:
    port, before = unused_port(), links()
    compose.write(compose=PROJECT.format(port=port))
    compose.ok("up", "-d")
    assert set(compose.states().values()) == {"running"}
    replicas = {json.loads(engine.ok("inspect", f"shop-web-{number}"))[0]["Config"]["Hostname"] for number in (1, 2, 3)}
    said: set[str] = set()

    def seen() -> bool:
        said.add(answer(port))
        return bool(said & replicas)

    engine.until(seen)
    names = compose.ok("exec", "-T", "front", "nslookup", "web")
    assert len({line for line in names.splitlines() if line.startswith("Address") and "10.235.9." in line}) == 3
    assert "10.235.9.77" in compose.ok("exec", "-T", "data", "ip", "-4", "addr")
    assert "default" not in compose.ok("exec", "-T", "data", "ip", "route")
    assert f"0.0.0.0:{port}" in compose.ok("port", "front", "80")
    compose.ok("up", "-d", "--scale", "web=1")
    compose.ok("restart", "-t", "0", "front")
    engine.until(lambda: answer(port) in replicas)
    networks = engine.ok("network", "ls", "--filter", "label=com.docker.compose.project=shop", "--format", "{{.Name}}")
    assert networks.split() == ["shop_inner", "shop_outer"]
    compose.ok("down", "-t", "0")
    assert engine.ok("network", "ls", "--filter", "label=com.docker.compose.project=shop", "-q") == ""
    engine.until(lambda: links() == before)


def links() -> set[str]:
    """But for the default bridge, which comes with the first container that needs it."""
    return {name for _, name in socket.if_nameindex() if not name.startswith("pydock-")}
