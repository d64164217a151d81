"""The tables, as a list of steps: a database of version n has had the first n steps. Steps are added, never changed."""

from __future__ import annotations

STEPS: tuple[str, ...] = (
    # Volumes. state: "pending" until the container that it is made for (made_for) is there, "removing" from the decision to the deletion.
    """
    CREATE TABLE volumes (
        name TEXT PRIMARY KEY, driver TEXT NOT NULL, options TEXT NOT NULL, labels TEXT NOT NULL, created_ns INTEGER NOT NULL,
        state TEXT NOT NULL, made_for TEXT NOT NULL
    ) STRICT;
    """,
    # Networks. state: "making" until its links are there, "removing" from the decision until they are gone. What is in a record is
    # `pydockerd.network.model`'s.
    """
    CREATE TABLE networks (
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_ns INTEGER NOT NULL, state TEXT NOT NULL, record TEXT NOT NULL
    ) STRICT;
    CREATE TABLE endpoints (
        id TEXT PRIMARY KEY, network_id TEXT NOT NULL REFERENCES networks (id), sandbox TEXT NOT NULL, record TEXT NOT NULL
    ) STRICT;
    CREATE INDEX endpoints_of_sandbox ON endpoints (sandbox);
    CREATE TABLE network_wishes (sandbox TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
    """,
    # What steps of builds have given: see `pydockerd.builder.cache`. layer is JSON, or empty.
    """
    CREATE TABLE build_steps (
        key TEXT PRIMARY KEY, kind TEXT NOT NULL, description TEXT NOT NULL, layer TEXT NOT NULL, created TEXT NOT NULL,
        made_ns INTEGER NOT NULL, used_ns INTEGER NOT NULL, uses INTEGER NOT NULL
    ) STRICT;
    """,
)
