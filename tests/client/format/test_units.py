"""Sizes and durations; the expectations are from go-units' own tests, and from what it prints."""

from __future__ import annotations

import pytest

from pyctl.app.format.units import binary_size, decimal_size, duration, short_id, shorten

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("size", "digits", "expected"),
    [
        (0, 3, "0B"),
        (999, 3, "999B"),
        (1000, 4, "1kB"),
        (1024, 4, "1.024kB"),
        (1024, 3, "1.02kB"),
        (1_000_000, 4, "1MB"),
        (1_048_576, 4, "1.049MB"),
        (2 * 1_000_000, 4, "2MB"),
        (3.42 * 1000**3, 4, "3.42GB"),
        (5.372 * 1000**4, 4, "5.372TB"),
        (2.22 * 1000**5, 4, "2.22PB"),
        (1e27, 3, "1e+03YB"),
    ],
)
def test_decimal_size(size: float, digits: int, expected: str) -> None:
    assert decimal_size(size, digits) == expected


@pytest.mark.parametrize(
    ("size", "expected"), [(1024, "1KiB"), (1024**2, "1MiB"), (3.42 * 1024**3, "3.42GiB"), (25_276_000_000, "23.54GiB")]
)
def test_binary_size(size: float, expected: str) -> None:
    assert binary_size(size) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.45, "Less than a second"),
        (1, "1 second"),
        (45, "45 seconds"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (3 * MINUTE, "3 minutes"),
        (35 * MINUTE + 40, "35 minutes"),
        (59 * MINUTE, "59 minutes"),
        (1 * HOUR, "About an hour"),
        (1 * HOUR + 29 * MINUTE, "About an hour"),
        (1 * HOUR + 31 * MINUTE, "2 hours"),
        (3 * HOUR, "3 hours"),
        (24 * HOUR, "24 hours"),
        (2 * DAY, "2 days"),
        (7 * DAY, "7 days"),
        (13 * DAY + 5 * HOUR, "13 days"),
        (15 * DAY, "2 weeks"),
        (2 * 30 * DAY, "2 months"),
        (365 * DAY, "12 months"),
        (2 * 365 * DAY, "2 years"),
        (56.9 * 365 * DAY, "56 years"),
    ],
)
def test_duration(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


def test_shorten_and_short_id() -> None:
    assert shorten("sh -c 'echo a very long'", 20) == "sh -c 'echo a very …"
    assert shorten("exactly", 7) == "exactly"
    assert short_id("sha256:58ccb0ecd29946b41158968da6e5e57") == "58ccb0ecd299"
    assert short_id("1b53534b47f2b2d3f29f54218ac46d4b95be5b060424f9") == "1b53534b47f2"
