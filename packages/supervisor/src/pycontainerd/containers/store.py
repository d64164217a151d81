"""The tables ``containers`` and ``execs``. Every function runs inside the caller's transaction."""

from __future__ import annotations

import sqlite3

from pycontainerd.containers import converter
from pycontainerd.containers.info import Status
from pycontainerd.containers.record import ContainerRecord, ExecRecord

_COLUMNS = "id, name, image_id, config, created_ns, status, pid, exit_code, error, oom_killed, started_ns, finished_ns, restart_count, namespace, stopped_by_hand, health"


def insert(connection: sqlite3.Connection, record: ContainerRecord) -> None:
    """Add a container. sqlite3.IntegrityError when the id or the name is in use."""
    connection.execute(f"INSERT INTO containers ({_COLUMNS}) VALUES ({', '.join('?' * 16)})", _row(record))  # noqa: S608


def update(connection: sqlite3.Connection, record: ContainerRecord) -> None:
    """Write what may have changed. sqlite3.IntegrityError when the new name is in use."""
    connection.execute(
        "UPDATE containers SET name = ?, status = ?, pid = ?, exit_code = ?, error = ?, oom_killed = ?, started_ns = ?,"
        " finished_ns = ?, restart_count = ?, stopped_by_hand = ?, health = ? WHERE id = ?",
        (
            *(record.name, record.status, record.pid, record.exit_code, record.error, int(record.oom_killed)),
            *(record.started_ns, record.finished_ns, record.restart_count, int(record.stopped_by_hand)),
            *(converter.dump_health(record.health), record.id),
        ),
    )


def update_config(connection: sqlite3.Connection, record: ContainerRecord) -> None:
    """Write its configuration, which few calls change."""
    connection.execute("UPDATE containers SET config = ? WHERE id = ?", (converter.dumps(record.config), record.id))


def delete(connection: sqlite3.Connection, id: str) -> None:
    """Forget a container and its execs."""
    connection.execute("DELETE FROM execs WHERE container_id = ?", (id,))
    connection.execute("DELETE FROM containers WHERE id = ?", (id,))


def load(connection: sqlite3.Connection) -> list[ContainerRecord]:
    """All containers, oldest first."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM containers ORDER BY created_ns")  # noqa: S608
    return [_record(*row) for row in rows]


def save_exec(connection: sqlite3.Connection, record: ExecRecord) -> None:
    """Add or replace an exec. One whose container is gone meanwhile is gone with it."""
    connection.execute(
        "INSERT OR REPLACE INTO execs (id, container_id, config, created_ns, started_ns, exit_code)"
        " SELECT ?, id, ?, ?, ?, ? FROM containers WHERE id = ?",
        (
            *(record.id, converter.dumps(record.config), record.created_ns, record.started_ns, record.exit_code),
            record.container_id,
        ),
    )


def delete_execs(connection: sqlite3.Connection, ids: list[str]) -> None:
    """Forget execs."""
    connection.executemany("DELETE FROM execs WHERE id = ?", [(each,) for each in ids])


def load_execs(connection: sqlite3.Connection, container_id: str) -> list[ExecRecord]:
    """The execs of a container, oldest first."""
    rows = connection.execute(
        "SELECT id, container_id, config, created_ns, started_ns, exit_code FROM execs WHERE container_id = ? ORDER BY created_ns",
        (container_id,),
    )
    return [
        ExecRecord(
            id=exec_id,
            container_id=owner,
            config=converter.load_exec(config),
            created_ns=created,
            started_ns=started,
            exit_code=code,
        )
        for exec_id, owner, config, created, started, code in rows
    ]


def _row(record: ContainerRecord) -> tuple[object, ...]:
    return (
        *(record.id, record.name, record.image_id, converter.dumps(record.config), record.created_ns, record.status),
        *(record.pid, record.exit_code, record.error, int(record.oom_killed)),
        *(record.started_ns, record.finished_ns, record.restart_count, record.namespace),
        *(int(record.stopped_by_hand), converter.dump_health(record.health)),
    )


def _record(
    id: str,
    name: str | None,
    image_id: str,
    config: str,
    created: int,
    status: str,
    pid: int,
    exit_code: int,
    error: str,
    oom_killed: int,
    started: int,
    finished: int,
    restarts: int,
    namespace: str,
    stopped_by_hand: int,
    health: str,
) -> ContainerRecord:
    return ContainerRecord(
        id=id,
        name=name,
        image_id=image_id,
        config=converter.load_container(config),
        created_ns=created,
        status=Status(status),
        pid=pid,
        exit_code=exit_code,
        error=error,
        oom_killed=bool(oom_killed),
        started_ns=started,
        finished_ns=finished,
        restart_count=restarts,
        namespace=namespace,
        stopped_by_hand=bool(stopped_by_hand),
        health=converter.load_health(health),
    )
