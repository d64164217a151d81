"""docs/spec-fields.md names every field of the specification's schema, and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

from tests.runtime.spec.schema import config, fields

PROJECT = Path(__file__).parents[3]
ROW = re.compile(r"^\| `([^`]+)` \| (.+) \| `([^`]+)::([^`]+)` \|$", re.MULTILINE)


def rows() -> list[tuple[str, ...]]:
    return ROW.findall((PROJECT / "docs/spec-fields.md").read_text())


def test_the_table_is_complete() -> None:
    named = [row[0] for row in rows()]
    wanted = list(dict.fromkeys(fields(config())))
    assert len(wanted) > 200
    assert named == wanted, "in the order of the schema, each once"


def test_what_it_says_shows_each_field_is_there() -> None:
    for field, _, file, name in rows():
        source = (PROJECT / file).read_text()
        assert re.search(rf"^def {name}\(", source, re.MULTILINE), f"{field}: {file}::{name}"
