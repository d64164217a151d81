"""A store that an earlier version has written opens, and everything in it works.

``versions/N.sql`` makes the tables as version N had them. They are filled with what a store of today has, as far as version N knew of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pycontainerd import EventFilter, Status
from pycontainerd.errors import StoreFailed, StoreTooNew
from pycontainerd.metadata.database import Database
from pycontainerd.metadata.schema import STEPS
from tests.supervisor.conftest import remove_all, supervisor_in
from tests.supervisor.metadata.freeze import VERSIONS, schema
from tests.supervisor.running import output, said, start
from tests.supervisor.stores import Stored

Rows = Mapping[str, list[dict[str, Any]]]
TABLES = (
    "images",
    "image_references",
    "snapshots",
    "containers",
    "execs",
    "events",
    "leases",
    "lease_resources",
    "content_labels",
    "blob_namespaces",
)  # those that others refer to first
EVERY = range(1, len(STEPS) + 1)


def rows_of(path: Path) -> Rows:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return {table: [dict(row) for row in connection.execute(f"SELECT * FROM {table}")] for table in TABLES}


def made_by(version: int, path: Path, rows: Rows) -> None:
    """A database of an earlier version with these rows, as far as it knew of them."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript((VERSIONS / f"{version}.sql").read_text())
        for table in TABLES:
            known = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            for row in rows[table] if known else ():
                kept = {name: row[name] for name in known if name in row}
                names, marks = ", ".join(kept), ", ".join("?" * len(kept))
                connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(kept.values()))
        connection.commit()


@pytest.mark.parametrize("version", EVERY)
def test_no_step_is_changed_afterwards(version: int) -> None:
    """A version that is out has its tables written down. If this fails for a new one: python -m tests.supervisor.metadata.freeze"""
    assert (VERSIONS / f"{version}.sql").read_text() == f"{schema(STEPS[:version])}PRAGMA user_version = {version};\n"


@pytest.mark.parametrize("version", EVERY)
async def test_it_opens_and_works(tmp_short: Path, busybox_tar: Path, version: int) -> None:
    async with supervisor_in(tmp_short) as today:
        await today.images.import_rootfs(busybox_tar, "busybox", changes=["CMD sh"])
        container = await start(today, "echo before; exit 3", name="was")
        await container.wait()
        before, image = container.info(), today.images.get("busybox")
    path = tmp_short / "root/metadata.db"
    rows = rows_of(path)
    for each in path.parent.glob("metadata.db*"):
        each.unlink()
    made_by(version, path, rows)
    async with supervisor_in(tmp_short) as supervisor:
        assert supervisor.images.get("busybox").id == image.id
        if version > 1:  # the first one knew of no containers
            was = supervisor.containers.get("was")
            assert was.info() == before
            assert await said(was) == b"before\n"
            await was.start()
            assert (await was.wait()).code == 3
            assert await said(was) == b"before\nbefore\n"
        assert supervisor.content.has(image.blobs[0].digest)
        assert b"".join([piece async for piece in supervisor.images.export(["busybox"])])
        assert await output(supervisor, "echo works") == "works\n"
        events = supervisor.events.subscription(since=0, wanted=EventFilter(types=frozenset({"container"})))
        assert (await anext(events)).action == "create"
        await events.aclose()
        await supervisor.namespace("new").leases.create("one")
        await remove_all(supervisor)
        await supervisor.images.remove("busybox")
        assert await supervisor.namespaces() == ["new"]
        await supervisor.namespace("new").leases.delete("one")
        assert Stored.of(supervisor).empty


async def test_one_that_was_running(tmp_short: Path, busybox_tar: Path) -> None:
    """The program is replaced by a newer one while its containers run."""
    async with supervisor_in(tmp_short) as today:
        await today.images.import_rootfs(busybox_tar, "busybox")
        await start(today, "trap 'exit 6' TERM; while :; do sleep 0.05; done", name="on")
    path = tmp_short / "root/metadata.db"
    rows = rows_of(path)
    for each in path.parent.glob("metadata.db*"):
        each.unlink()
    made_by(2, path, rows)
    async with supervisor_in(tmp_short) as supervisor:
        on = supervisor.containers.get("on")
        assert on.info().status is Status.RUNNING
        await on.stop()
        assert on.info().exit_code == 6
        await remove_all(supervisor)


def test_a_step_that_fails_changes_nothing(tmp_path: Path) -> None:
    """As when the disk is full in the middle of it."""
    path = tmp_path / "metadata.db"
    made_by(2, path, {table: [] for table in TABLES})
    with pytest.raises(StoreFailed, match="not_there"):
        Database(path, steps=(*STEPS[:2], f"{STEPS[2]} SELECT * FROM not_there;"))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'leases'").fetchall()
    Database(path).close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS),)


def test_a_later_version_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "metadata.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE of_tomorrow (x)")
        connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    before = path.read_bytes()
    with pytest.raises(StoreTooNew, match="use a newer one"):
        Database(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["metadata.db"]
