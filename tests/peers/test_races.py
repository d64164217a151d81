"""Twenty clients do what they like with one container at once: each is told one of the API's answers, and nothing is left of it."""

from __future__ import annotations

import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from .conftest import Engine
from .raw import ask
from .test_endurance import daemon_pid, held, settled

CLIENTS = 20
STEPS = 15
BODY = {"Image": "busybox", "Cmd": ["sleep", "300"], "HostConfig": {"NetworkMode": "none"}}
VERBS = (
    ("POST", "/containers/create?name=fought-over", BODY, {201, 409}),
    ("POST", "/containers/fought-over/start", None, {204, 304, 404, 409}),
    ("POST", "/containers/fought-over/stop?t=0", None, {204, 304, 404, 409}),
    ("POST", "/containers/fought-over/restart?t=0", None, {204, 404, 409}),
    ("POST", "/containers/fought-over/kill", None, {204, 404, 409}),
    ("POST", "/containers/fought-over/pause", None, {204, 404, 409}),
    ("POST", "/containers/fought-over/unpause", None, {204, 404, 409}),
    ("POST", "/containers/fought-over/exec", {"Cmd": ["true"]}, {201, 404, 409}),
    ("GET", "/containers/fought-over/json", None, {200, 404}),
    ("GET", "/containers/json?all=1", None, {200}),
    ("GET", "/containers/fought-over/top", None, {200, 404, 409}),
    ("DELETE", "/containers/fought-over?force=1", None, {204, 404, 409}),
)


def test_one_container_and_twenty_clients(engine: Engine) -> None:
    engine.ok(
        "run", "--rm", "--network", "none", "busybox", "true"
    )  # what is opened for the first container stays open
    log = engine.directory / "log"
    before, written = held(engine, daemon_pid(engine)), log.stat().st_size

    def act(seed: int) -> Counter[tuple[str, int]]:
        dice, seen = random.Random(seed), Counter[tuple[str, int]]()
        for _ in range(STEPS):
            method, path, body, allowed = dice.choice(VERBS)
            status, text = ask(engine, method, path, body)
            assert status in allowed, (method, path, status, text)
            assert status < 400 or isinstance(json.loads(text)["message"], str)
            seen[path.rpartition("/")[2].partition("?")[0], status] += 1
        return seen

    with ThreadPoolExecutor(CLIENTS) as pool:
        told = sum(pool.map(act, range(CLIENTS)), Counter())
    print(f"\n{told.total()} answers: {dict(sorted(told.items()))}")
    # it can still be had, and be gone
    engine.docker("rm", "-f", "fought-over")
    assert engine.ok("run", "--rm", "--name", "fought-over", "--network", "none", "busybox", "echo", "mine") == "mine"
    after = settled(lambda: held(engine, daemon_pid(engine)), before)
    assert after["descriptors"] <= before["descriptors"], (before, after)
    assert after["tasks"] <= before["tasks"], (before, after)
    assert "Traceback" not in log.read_bytes()[written:].decode()
