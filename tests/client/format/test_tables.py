"""Columns; the expectations are Go's text/tabwriter's with docker's settings."""

from __future__ import annotations

import pytest

from pyctl.app.format.gotemplate import Row
from pyctl.app.format.listing import Format, Layout
from pyctl.app.format.tables import align
from pyctl.errors import TemplateError

LAYOUT = Layout(
    default=("ID", "Names"),
    titles={"ID": "CONTAINER ID", "Names": "NAMES", "Size": "SIZE"},
    raw="id: {{.ID}}\n",
    go_type="*Row",
    methods=frozenset({"Label"}),
)
ROWS = [
    Row("*Row", {"ID": "1b5", "Names": "web", "Size": "0B"}, {"Label": lambda name: f"{name}!"}),
    Row("*Row", {"ID": "812", "Names": "other", "Size": "1B"}, {"Label": lambda name: ""}),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\tb\nlonger than ten\tc", "a                 b\nlonger than ten   c"),
        ("a\tb", "a         b"),
        ("a\t\tb", "a                   b"),
        ("ä…\tb", "ä…        b"),
        ("a\tb\nno cells\nlonger than ten\tc", "a         b\nno cells\nlonger than ten   c"),
        ("no tab at all", "no tab at all"),
        ("", ""),
    ],
)
def test_align(text: str, expected: str) -> None:
    assert align(text) == expected


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        (None, "CONTAINER ID   NAMES\n1b5            web\n812            other\n"),
        ("table", "CONTAINER ID   NAMES\n1b5            web\n812            other\n"),
        ("table {{.Names}}\\t{{.Label \"com.x.some-thing\"}}", "NAMES     some thing\nweb       com.x.some-thing!\nother     \n"),
        ("table {{upper .Names}} {{len .Names}}", "NAMES 5\nWEB 3\nOTHER 5\n"),
        ("json", '{"ID":"1b5","Names":"web","Size":"0B"}\n{"ID":"812","Names":"other","Size":"1B"}\n'),
        ("raw", "id: 1b5\n\nid: 812\n\n"),
        ("{{.ID}}\\t{{.Size}}", "1b5\t0B\n812\t1B\n"),
    ],
)  # fmt: skip
def test_formats(format: str | None, expected: str) -> None:
    assert Format.read(format, LAYOUT).render(ROWS) == expected


def test_quiet_prints_ids_where_no_format_is_given() -> None:
    assert Format.read(None, LAYOUT, quiet=True).render(ROWS) == "1b5\n812\n"


def test_titles_without_rows() -> None:
    assert Format.read(None, LAYOUT).render([]) == "CONTAINER ID   NAMES\n"


@pytest.mark.parametrize(
    ("format", "used"), [("{{.Size}}", True), ("{{json .}}", True), ("{{.ID}}", False), ("table {{.Size}}", True)]
)
def test_knows_which_columns_a_format_uses(format: str, used: bool) -> None:
    assert Format.read(format, LAYOUT).uses("Size") is used


@pytest.mark.parametrize(
    ("format", "message"),
    [
        ("{{.Nope}}", "template parsing error: template: :1:2: executing"),
        ("{{.ID", "template parsing error: template: :1: unclosed action"),
    ],
)
def test_says_what_is_wrong_with_a_format(format: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        Format.read(format, LAYOUT).render(ROWS)
