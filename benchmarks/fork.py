"""Forks of a PostgreSQL: ``python -m benchmarks.fork [MIB]`` fills one with that much data and forks it, stopped and running.

Measured is from the call of ``fork`` to the moment that the copy's process has been executed. Not beside a peer: none has such a thing. Ends with
exit code 1 when the target is missed by a median of what is promised, with little data or with much.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import frozen

from benchmarks.machine import Machine
from benchmarks.measure import Sample, timed
from pycontainerd.blocking import Container, Supervisor
from pycontainerd.testing import Guest, Guests
from tests.supervisor.fork.postgres import database, sql

MEBIBYTES = 1024
_LIMIT_MS = 50.0
_ROUNDS = 20


@frozen
class Case:
    """What was forked; ``promised`` that it takes no longer than the limit."""

    title: str
    sample: Sample
    promised: bool

    def line(self) -> str:
        """For the table."""
        figures = "".join(f"{1000 * value:9.1f}" for value in (self.sample.least, self.sample.median, self.sample.p95))
        return f"{self.title:50}{figures}   {f'<= {_LIMIT_MS:.0f}' if self.promised else '(not promised)'}"

    def missed(self) -> bool:
        """Whether the median is above what was promised."""
        return self.promised and 1000 * self.sample.median > _LIMIT_MS


def forked(guest: Guest, rounds: int) -> Sample:
    """Each fork is removed before the next one is made."""
    made: list[Container] = []

    def one() -> float:
        seconds = timed(lambda: made.append(Container.fork(guest)))
        made.pop().remove(force=True)
        return seconds

    one()
    return Sample(tuple(one() for _ in range(rounds)))


def fill(guest: Guest, mebibytes: int) -> None:
    """A table of rows of a KiB, on the disk."""
    rows = f"SELECT n, repeat(md5(n::text), 31) AS text FROM generate_series(1, {mebibytes * 1024}) AS n"
    sql(guest, f"DROP TABLE IF EXISTS big; CREATE TABLE big AS {rows}; CHECKPOINT;")


@contextmanager
def busy(guest: Guest) -> Iterator[None]:
    """Inside, a client commits one row after another."""
    stop = threading.Event()

    def write() -> None:
        sql(guest, "CREATE TABLE IF NOT EXISTS busy (n int);")
        while not stop.is_set():
            sql(guest, "INSERT INTO busy SELECT generate_series(1, 100);")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()


def measure(guests: Guests, mebibytes: int) -> Iterator[Case]:
    """Each kind of fork of a database of that size."""
    size = f"{mebibytes} MiB"
    forkable = database(guests, forkable=True)
    fill(forkable, mebibytes)
    yield Case(f"running, forkable, idle, {size}", forked(forkable, _ROUNDS), promised=True)
    with busy(forkable):
        yield Case(f"running, forkable, writing, {size}", forked(forkable, _ROUNDS), promised=False)
    forkable.stop()
    yield Case(f"stopped, forkable, {size}", forked(forkable, _ROUNDS), promised=True)
    forkable.remove()
    plain = database(guests)
    fill(plain, mebibytes)
    yield Case(f"running, not forkable, {size}", forked(plain, 2), promised=False)
    plain.stop()
    yield Case(f"stopped, not forkable, {size}", forked(plain, _ROUNDS), promised=True)
    plain.remove()


def main(arguments: list[str]) -> int:
    """Returns 1 when the target was missed."""
    mebibytes = int(arguments[0]) if arguments else MEBIBYTES
    print(f"{Machine.here().sentence()}\n\n{'milliseconds':53}least   median      p95", flush=True)
    cases: list[Case] = []
    with Supervisor(ephemeral=True) as supervisor, Guests(supervisor) as guests:
        for size in (1, mebibytes):
            for case in measure(guests, size):
                print(case.line(), flush=True)
                cases.append(case)
    return int(any(case.missed() for case in cases))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
