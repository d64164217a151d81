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
)
