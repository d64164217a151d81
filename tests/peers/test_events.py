"""``docker events``: what happened, chosen by time and by filters; and ``docker wait`` by its conditions."""

from __future__ import annotations

import json
import threading
import time

from .conftest import Engine
from .test_policies import request

SHELL = ("--network", "none", "busybox", "sh", "-c")


def events(engine: Engine, since: float, *filters: str) -> list[str]:
    chosen = [word for each in filters for word in ("--filter", each)]
    now = f"{time.time():.9f}"
    lines = engine.ok("events", "--since", f"{since:.9f}", "--until", now, *chosen, "--format", "{{json .}}")
    found = [json.loads(line) for line in lines.splitlines()]
    return [f"{event['Type']} {event['Action']}" for event in found]


def test_filters_and_times(engine: Engine) -> None:
    since = time.time()
    assert engine.docker("run", "--name", "told", "--label", "tier=front", *SHELL, "exit 3").returncode == 3
    middle = time.time()
    engine.ok("rename", "told", "renamed")
    engine.ok("rm", "renamed")
    life = ["container create", "container attach", "container start", "container die"]
    container = ("type=container",)
    assert events(engine, since, *container, "label=tier=front")[:2] == life[:2]
    assert events(engine, since, *container, "container=told")[-1] == "container die"
    assert events(engine, since, "event=die", "event=start", "label=tier") == life[2:]
    assert events(engine, since, "image=busybox", "event=create") == ["container create"]
    assert events(engine, middle, *container) == ["container rename", "container destroy"]
    assert events(engine, since, "label=tier=back") == []
    assert events(engine, since, "type=image", "container=told") == []


def test_events_come_as_they_happen(engine: Engine) -> None:
    watching = engine.popen("events", "--filter", "event=start", "--format", "{{.Action}} {{.Actor.Attributes.name}}")
    assert watching.stdout is not None
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(iter(watching.stdout.readline, "")))  # type: ignore[union-attr]
    reader.start()
    number = 0
    while not lines:  # docker says nowhere that it has begun to listen
        number += 1
        engine.ok("run", "--rm", "--name", f"seen{number}", "--network", "none", "busybox", "true")
    watching.terminate()
    watching.communicate(timeout=20)
    reader.join(20)
    assert lines[0].startswith("start seen")


def test_who_waits_is_told_of_the_first_end_though_it_is_started_again(engine: Engine) -> None:
    engine.ok("create", "--name", "tries", "--restart", "on-failure:3", *SHELL, "exit 4")
    answers: list[tuple[int, bytes]] = []
    waiting = threading.Thread(
        target=lambda: answers.append(request(engine, "POST", "/containers/tries/wait?condition=next-exit"))
    )
    waiting.start()
    time.sleep(0.3)
    engine.ok("start", "tries")
    waiting.join(30)
    assert (answers[0][0], json.loads(answers[0][1])["StatusCode"]) == (200, 4)
    engine.until(lambda: engine.ok("inspect", "-f", "{{.RestartCount}} {{.State.Status}}", "tries") == "3 exited")
