"""A hundred containers, one after the other and eight at a time: asked for over the Engine API, and taken away again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from queue import SimpleQueue
from typing import Any

from attrs import frozen

from benchmarks.daemons import entered, refusal
from benchmarks.engines import IMAGE, Api, Engine
from benchmarks.measure import Comparison, Contender, NotComparable, timed
from benchmarks.stage import Stage

COUNT = 100
_NAMES = ("pydockerd", "dockerd")
SLEEPER = {"Image": IMAGE, "Cmd": ["/bin/busybox", "sleep", "1000000"], "HostConfig": {"NetworkMode": "none"}}
_NOTE = f"{COUNT} containers that sleep, without a network; each request of a client goes over its own connection, which stays open."


@frozen
class Crew:
    """So many clients of one engine, each with a connection of its own."""

    pool: ThreadPoolExecutor
    connections: SimpleQueue[Api]

    def each(self, items: Sequence[Any], do: Callable[[Api, Any], Any]) -> list[Any]:
        """Do it for all of them, as many at a time as there are clients."""

        def once(item: Any) -> Any:
            connection = self.connections.get()
            try:
                return do(connection, item)
            finally:
                self.connections.put(connection)

        return list(self.pool.map(once, items))


@contextmanager
def crew(engine: Engine, clients: int) -> Iterator[Crew]:
    """Connections and threads for ``clients``."""
    with ExitStack() as stack:
        connections: SimpleQueue[Api] = SimpleQueue()
        for _ in range(clients):
            made = engine.connect()
            stack.enter_context(closing(made.connection))
            connections.put(made)
        yield Crew(stack.enter_context(ThreadPoolExecutor(clients)), connections)


def start(api: Api, body: object) -> str:
    """Create and start one; its id."""
    identity = str(api.request("POST", "/containers/create", body)["Id"])
    api.request("POST", f"/containers/{identity}/start")
    return identity


def remove(api: Api, identity: str) -> None:
    """As ``docker rm -f`` does."""
    api.request("DELETE", f"/containers/{identity}?force=1")


def _started(made: Crew) -> float:
    living: list[str] = []
    seconds = timed(lambda: living.extend(made.each([SLEEPER] * COUNT, start)))
    made.each(living, remove)
    return seconds


def _removed(made: Crew) -> float:
    living = made.each([SLEEPER] * COUNT, start)
    return timed(lambda: made.each(living, remove))


@contextmanager
def _compared(
    stage: Stage, name: str, title: str, clients: int, once: Callable[[Crew], float], target: float | None
) -> Iterator[Comparison]:
    with ExitStack() as stack:
        contenders = []
        for daemon in _NAMES:
            engine = entered(stack, stage, daemon, name)
            if isinstance(engine, NotComparable):
                contenders.append(Contender(daemon, refusal(engine)))
                continue
            made = stack.enter_context(crew(engine, clients))
            contenders.append(Contender(daemon, lambda made=made: once(made)))  # type: ignore[misc]
        targets = {"dockerd": target} if target else {}
        yield Comparison(name, title, tuple(contenders), targets, (_NOTE,), warm_up=1)


@contextmanager
def starting_alone(stage: Stage) -> Iterator[Comparison]:
    """One client."""
    with _compared(stage, "start-100", f"create and start {COUNT}, one at a time", 1, _started, None) as made:
        yield made


@contextmanager
def starting(stage: Stage) -> Iterator[Comparison]:
    """Eight clients."""
    with _compared(stage, "start-100-by-8", f"create and start {COUNT}, eight at a time", 8, _started, 1 / 8) as made:
        yield made


@contextmanager
def removing(stage: Stage) -> Iterator[Comparison]:
    """Eight clients take away what runs."""
    title = f"remove {COUNT} that run, by force, eight at a time"
    with _compared(stage, "remove-100-by-8", title, 8, _removed, 1 / 5) as made:
        yield made
