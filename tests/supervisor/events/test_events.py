"""Events: everything, in order, once, and resumable."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from pycontainerd import Event, EventFilter, Events, Supervisor
from pycontainerd.errors import CursorNotFound
from pycontainerd.events import log
from pycontainerd.metadata.database import Database
from tests.supervisor.conftest import supervisor_in
from tests.supervisor.running import create, start

pytestmark = pytest.mark.usefixtures("busybox")


async def actions(events: Events, since: int = 0, **wanted: object) -> list[str]:
    """What has happened so far."""
    until = EventFilter(until_ns=time.time_ns(), **wanted)  # type: ignore[arg-type]
    return [event.action async for event in events.subscribe(since=since, wanted=until)]


async def test_the_life_of_a_container(supervisor: Supervisor) -> None:
    container = await create(supervisor, "exit 3", name="one", labels={"a": "b"})
    await container.start()
    await container.wait()
    await container.rename("two")
    await container.remove()
    assert await actions(supervisor.events, types=frozenset({"container"})) == [
        "create",
        "start",
        "die",
        "rename",
        "destroy",
    ]
    died = [
        event
        async for event in supervisor.events.subscribe(
            since=0, wanted=EventFilter(actions=frozenset({"die"}), until_ns=time.time_ns())
        )
    ]
    assert died[0].actor == container.id
    assert {"exitCode": "3", "name": "one", "image": "busybox", "a": "b"}.items() <= died[0].attributes.items()


async def test_filters(supervisor: Supervisor) -> None:
    one = await start(supervisor, "true", name="one", labels={"a": "b"})
    await start(supervisor, "true", name="two", labels={"a": "c"})
    events = supervisor.events
    assert await actions(events, actors=frozenset({"one"}), actions=frozenset({"create"})) == ["create"]
    assert await actions(events, actors=frozenset({one.id[:12]}), actions=frozenset({"start"})) == ["start"]
    assert await actions(events, labels={"a": None}, actions=frozenset({"start"})) == ["start", "start"]
    assert await actions(events, labels={"a": "c"}, actions=frozenset({"start"})) == ["start"]
    assert await actions(events, images=frozenset({"other"})) == []


async def test_a_subscription_is_in_force_at_once(supervisor: Supervisor) -> None:
    events = supervisor.events.subscription(wanted=EventFilter(actions=frozenset({"create"})))
    container = await create(supervisor, "true")
    event = await asyncio.wait_for(anext(events), 5)
    assert event.actor == container.id
    await events.aclose()


async def test_a_reader_that_comes_back_misses_nothing_and_sees_nothing_twice(
    tmp_short: Path, supervisor: Supervisor
) -> None:
    """One reads without a break; another comes and goes, also over a restart of the supervisor."""
    seen: list[int] = []
    cursor = 0
    directory = tmp_short / "own"
    for turn in range(3):
        async with supervisor_in(directory) as own:
            publishing = asyncio.gather(*(own.events.publish("test", f"{turn}.{n}", "x") for n in range(50)))
            async for event in own.events.subscribe(since=cursor):
                seen.append(event.cursor)
                cursor = event.cursor
                if len(seen) % 17 == 0:
                    break
            await publishing
    async with supervisor_in(directory) as own:
        rest = [
            event.cursor
            async for event in own.events.subscribe(since=cursor, wanted=EventFilter(until_ns=time.time_ns()))
        ]
        whole = [event async for event in own.events.subscribe(since=0, wanted=EventFilter(until_ns=time.time_ns()))]
    assert seen + rest == [event.cursor for event in whole]
    assert len(whole) == 150
    assert len({event.action for event in whole}) == 150


async def test_closing_ends_every_subscription(tmp_path: Path) -> None:
    database = Database(tmp_path / "metadata.db")
    events = Events(database)
    reading = [asyncio.create_task(anext(events.subscription(), None)) for _ in range(3)]
    await asyncio.sleep(0.05)
    events.close()
    assert await asyncio.wait_for(asyncio.gather(*reading), 5) == [None] * 3
    database.close()


async def test_a_subscription_that_nobody_began_to_read_is_forgotten(tmp_path: Path) -> None:
    database = Database(tmp_path / "metadata.db")
    events = Events(database)
    unread = events.subscription()
    await unread.aclose()
    del unread
    await events.publish("test", "happened", "x")
    assert len(events._subscribers) == 0
    database.close()


async def test_the_table_is_bounded_and_who_comes_too_late_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "KEPT", 100)
    monkeypatch.setattr(log.prune, "__defaults__", (100,))
    monkeypatch.setattr(log, "_PRUNED_EACH", 10)
    database = Database(tmp_path / "metadata.db")
    events, other = Events(database), Events(database, "other")
    slow = events.subscription(since=0)
    first = await events.publish("test", "first", "x")
    assert (await anext(slow)).action == "first"
    for number in range(150):
        await (other if number % 2 else events).publish("test", str(number), "x")
    assert 90 <= len(await actions(events)) + len(await actions(other)) <= 110
    for lagging in (slow, events.subscription(since=first.cursor), events.subscription(since=10_000)):
        with pytest.raises(CursorNotFound, match="read from 0 on"):
            await anext(lagging)
    database.close()


async def test_a_reader_of_a_quiet_namespace_loses_no_place_by_the_noise_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log.prune, "__defaults__", (100,))
    monkeypatch.setattr(log, "_PRUNED_EACH", 10)
    database = Database(tmp_path / "metadata.db")
    events, other = Events(database), Events(database, "other")
    reader = events.subscription(since=0)
    await events.publish("test", "one", "x")
    assert (await anext(reader)).action == "one"
    waiting = asyncio.create_task(anext(reader))
    for number in range(250):
        await other.publish("test", str(number), "x")
    await events.publish("test", "two", "x")
    assert (await asyncio.wait_for(waiting, 5)).action == "two"
    await reader.aclose()
    database.close()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EventFilter(types=frozenset({"image"})), ["tag"]),
        (EventFilter(actions=frozenset({"exec_start"})), ["exec_start: sh -c true"]),
        (EventFilter(actors=frozenset({"web"})), ["start", "exec_start: sh -c true"]),
        (EventFilter(actors=frozenset({"a" * 12}), labels={"tier": None}), ["start", "exec_start: sh -c true"]),
        (EventFilter(actors=frozenset({"a" * 11})), []),
        (EventFilter(labels={"tier": "back"}), []),
        (EventFilter(images=frozenset({"busybox"}), since_ns=2), ["exec_start: sh -c true"]),
        (EventFilter(until_ns=1), ["start"]),
    ],
)
def test_filters_as_a_table(wanted: EventFilter, found: list[str]) -> None:
    attributes = {"name": "web", "image": "busybox", "tier": "front"}
    events = [
        Event(type="container", action="start", actor="a" * 64, attributes=attributes, time_ns=1),
        Event(type="container", action="exec_start: sh -c true", actor="a" * 64, attributes=attributes, time_ns=2),
        Event(type="image", action="tag", actor="b" * 64, attributes={"name": "busybox"}, time_ns=3),
    ]
    assert [event.action for event in events if wanted.wants(event)] == found
