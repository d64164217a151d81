"""``--since`` and ``--until``."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from pyctl.app.options.moments import duration, flag_moment, moment
from pyctl.errors import InvalidUsage, InvalidValue

NOW = 1_700_000_000.5


@pytest.fixture
def two_hours_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "XXX-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10m", "1699999400"),
        ("1h30m", "1699994600"),
        ("-5s", "1700000005"),
        ("1.5h", "1699994600"),
        ("1136073600", "1136073600"),
        ("1136073600.000000001", "1136073600.000000001"),
        ("0", "0"),
        ("2006-01-02T15:04:05Z", "1136214245.000000000"),
        ("2006-01-02T15:04:05.999999999Z", "1136214245.999999999"),
        ("2006-01-02T15:04:05.5+01:00", "1136210645.500000000"),
        ("2006-01-02T15:04:05", "1136207045.000000000"),
        ("2006-01-02T15:04", "1136207040.000000000"),
        ("2006-01-02T15", "1136206800.000000000"),
        ("2006-01-02", "1136152800.000000000"),
        ("2006-01-02Z", "1136160000.000000000"),
    ],
)
def test_moment(text: str, expected: str, two_hours_east: None) -> None:
    assert moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["foo", "2006-13-01", "10 m", "1h2", "", "1.0000000001"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(InvalidValue, match="failed to parse value as time or duration"):
        moment(text, NOW)


def test_the_message_names_the_flag() -> None:
    with pytest.raises(InvalidUsage) as caught:
        flag_moment("since", "foo", NOW)
    assert str(caught.value) == 'invalid value for "since": failed to parse value as time or duration: "foo"'
    assert flag_moment("since", None, NOW) is None


def test_duration() -> None:
    assert duration("1m0.5s") == 60.5
    assert duration("300ms") == pytest.approx(0.3)
    assert duration("1") is None
