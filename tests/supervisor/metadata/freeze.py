"""Write the schema of each version down that is not yet: ``python -m tests.supervisor.metadata.freeze``.

What is written once is never written again: a database of that version is out there, and test_versions.py opens one.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from pycontainerd.metadata.schema import STEPS

VERSIONS = Path(__file__).with_name("versions")


def schema(steps: tuple[str, ...]) -> str:
    """The SQL that makes the tables which the steps have led to."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for step in steps:
            connection.executescript(step)
        query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
        return "".join(f"{sql};\n" for (sql,) in connection.execute(query))


def main() -> None:
    """Add what is missing."""
    for version in range(1, len(STEPS) + 1):
        path = VERSIONS / f"{version}.sql"
        if not path.exists():
            path.write_text(f"{schema(STEPS[:version])}PRAGMA user_version = {version};\n")


if __name__ == "__main__":
    main()
