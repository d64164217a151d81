"""The tables of networks, endpoints and wishes. Every function runs inside the caller's transaction. Records are JSON, whole."""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import Final

from attrs import frozen
from cattrs.preconf.json import JsonConverter, make_converter

from pydockerd.network.model import Attachment, Endpoint, Network

MAKING: Final = "making"
MADE: Final = "made"
REMOVING: Final = "removing"


@frozen
class State:
    """All that there is. ``wishes`` are the networks of sandboxes for which somebody has changed them since they were created."""

    networks: tuple[tuple[Network, str], ...]
    endpoints: tuple[Endpoint, ...]
    wishes: dict[str, tuple[Attachment, ...]]


@cache
def _converter() -> JsonConverter:
    return make_converter()


def load(connection: sqlite3.Connection) -> State:
    """Everything, networks oldest first."""
    converter = _converter()
    networks = connection.execute("SELECT record, state FROM networks ORDER BY created_ns, id").fetchall()
    endpoints = connection.execute("SELECT record FROM endpoints").fetchall()
    wishes = connection.execute("SELECT sandbox, record FROM network_wishes").fetchall()
    return State(
        networks=tuple((converter.loads(record, Network), state) for record, state in networks),
        endpoints=tuple(converter.loads(record, Endpoint) for (record,) in endpoints),
        wishes={sandbox: converter.loads(record, tuple[Attachment, ...]) for sandbox, record in wishes},
    )


def save_network(connection: sqlite3.Connection, network: Network, state: str) -> None:
    """Add or replace a network."""
    connection.execute(
        "INSERT INTO networks (id, name, created_ns, state, record) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name, state = excluded.state, record = excluded.record",
        (network.id, network.name, network.created_ns, state, _converter().dumps(network)),
    )


def forget_network(connection: sqlite3.Connection, id: str) -> None:
    """Delete a network. Its endpoints have gone before."""
    connection.execute("DELETE FROM networks WHERE id = ?", (id,))


def save_endpoints(connection: sqlite3.Connection, endpoints: tuple[Endpoint, ...]) -> None:
    """Add or replace endpoints."""
    dumps = _converter().dumps
    connection.executemany(
        "INSERT OR REPLACE INTO endpoints (id, network_id, sandbox, record) VALUES (?, ?, ?, ?)",
        [(each.id, each.network_id, each.sandbox, dumps(each)) for each in endpoints],
    )


def forget_endpoints(connection: sqlite3.Connection, ids: tuple[str, ...]) -> None:
    """Delete endpoints."""
    connection.executemany("DELETE FROM endpoints WHERE id = ?", [(each,) for each in ids])


def save_wishes(connection: sqlite3.Connection, sandbox: str, wishes: tuple[Attachment, ...]) -> None:
    """Write what a sandbox is to be connected to from now on."""
    text = _converter().dumps(wishes, tuple[Attachment, ...])
    connection.execute("INSERT OR REPLACE INTO network_wishes (sandbox, record) VALUES (?, ?)", (sandbox, text))


def forget_sandbox(connection: sqlite3.Connection, sandbox: str) -> None:
    """Delete what is known of a sandbox that is gone."""
    connection.execute("DELETE FROM network_wishes WHERE sandbox = ?", (sandbox,))
    connection.execute("DELETE FROM endpoints WHERE sandbox = ?", (sandbox,))
