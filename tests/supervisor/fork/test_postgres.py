"""A database that is prepared once, and each test's own: what forks are for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pycontainerd.blocking import Supervisor
from pycontainerd.testing import Guest, Guests
from tests.supervisor.embedding.program import parent
from tests.supervisor.fork.postgres import READY, database, sql
from tests.support.run import RUN

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ROWS = 10_000


@pytest.fixture
def guests() -> Iterator[Guests]:
    place = RUN.short_directory()
    with (
        Supervisor(place / "r", place / "s", cgroup_parent=parent(place), ephemeral=True) as supervisor,
        Guests(supervisor) as made,
    ):
        yield made


def filled(guests: Guests, **config: Any) -> Guest:
    made = database(guests, **config)
    sql(
        made,
        f"CREATE TABLE thing AS SELECT n, md5(n::text) AS text FROM generate_series(1, {ROWS}) AS n; CREATE INDEX ON thing (n);",
    )
    return made


def test_prepared_once_and_forked_for_each(guests: Guests) -> None:
    template = filled(guests)
    template.stop()
    copies = [guests.fork(template, ready=READY, name=f"copy{number}") for number in range(3)]
    for number, copy in enumerate(copies):
        sql(copy, f"DELETE FROM thing WHERE n <= {number}; INSERT INTO thing VALUES (0, 'of copy {number}');")
    for number, copy in enumerate(copies):
        assert sql(copy, "SELECT count(*) FROM thing") == str(ROWS + 1 - number)
        assert sql(copy, "SELECT text FROM thing WHERE n = 0") == f"of copy {number}"
        assert "not properly shut down" not in copy.output()
    template.start()
    template.until_ready(READY)
    assert sql(template, "SELECT count(*), count(*) FILTER (WHERE n = 0) FROM thing") == f"{ROWS}|0"
    assert sql(template, "SELECT text FROM thing WHERE n = 1") == "c4ca4238a0b923820dcc509a6f75849b"


@pytest.mark.parametrize("forkable", [False, True], ids=["plain", "forkable"])
def test_a_running_one_recovers_in_the_fork(guests: Guests, forkable: bool) -> None:
    """As after a power failure: everything that was committed when the fork was asked for is there, and nothing has a hole."""
    original = filled(guests, forkable=forkable)
    sql(original, "CREATE TABLE counted (n int);")
    stop = threading.Event()
    committed = [0]

    def insert() -> None:
        while not stop.is_set():
            sql(original, f"INSERT INTO counted VALUES ({committed[0] + 1});")
            committed[0] += 1

    writer = threading.Thread(target=insert)
    writer.start()
    try:
        copies = []
        for number in range(3):
            before = committed[0]
            while committed[0] < before + 3:
                stop.wait(0.01)
            certain = committed[0]
            copies.append(
                (certain, guests.fork(original, ready=READY, name=f"running{number}-{forkable}"), committed[0] + 1)
            )
    finally:
        stop.set()
        writer.join()
    for certain, copy, latest in copies:
        count, highest = map(int, sql(copy, "SELECT count(*), max(n) FROM counted").split("|"))
        assert certain <= count == highest <= latest
        assert sql(copy, "SELECT count(*) FROM thing") == str(ROWS)
        assert "automatic recovery in progress" in copy.output()
        sql(copy, "DROP TABLE counted;")
    assert sql(original, "SELECT count(*) FROM counted") == str(committed[0])
    assert "automatic recovery" not in original.output()
