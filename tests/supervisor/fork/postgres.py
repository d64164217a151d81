"""A real PostgreSQL: Debian's package in an image made by debootstrap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pycontainerd.testing import Command, Guest, Guests
from tests.support.images import cached_debian_tar

BIN = "/usr/lib/postgresql/15/bin"
_AS = "setpriv --reuid=postgres --regid=postgres --init-groups"
_SCRIPT = f"""
install -d -o postgres -g postgres -m 700 /data
install -d -o postgres -g postgres /run/postgresql
[ -s /data/PG_VERSION ] || {_AS} {BIN}/initdb -D /data -A trust >/dev/null
exec {_AS} {BIN}/postgres -D /data -c listen_addresses=127.0.0.1 -c max_wal_size=4GB
"""
READY = Command(f"{BIN}/pg_isready", "-q", "-h", "127.0.0.1")


def image() -> Path:
    """The root file system, from the cache of this user's test runs."""
    return cached_debian_tar(("postgresql",))


def database(guests: Guests, **config: Any) -> Guest:
    """A new one, ready."""
    return guests(image(), "sh", "-c", _SCRIPT, ready=READY, stop_signal="SIGINT", **config)


def sql(guest: Guest, text: str) -> str:
    """What a statement gives; an AssertionError if it fails."""
    arguments = ("-h", "127.0.0.1", "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-Atq")
    return guest.run("psql", *arguments, input=text).check().stdout.strip()
