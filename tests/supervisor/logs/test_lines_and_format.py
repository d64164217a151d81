"""Records are cut and written as docker does it, and read back the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycontainerd.logs.jsonfile import decode, encode, format_time, parse_time
from pycontainerd.logs.lines import PIECE, cut
from pycontainerd.logs.rotation import Rotation


@given(st.lists(st.sampled_from([b"a", b"\n", b"x" * (PIECE - 1), b"y" * PIECE, b"z" * (2 * PIECE + 5)]), max_size=12))
def test_cutting_loses_nothing_and_keeps_the_bound(parts: list[bytes]) -> None:
    data = b"".join(parts)
    records, length = cut(data, ended=False)
    assert b"".join(records) == data[:length]
    assert all(0 < len(record) <= PIECE for record in records)
    assert all(b"\n" not in record[:-1] for record in records)
    assert len(data) - length < PIECE
    assert b"\n" not in data[length:]
    rest, taken = cut(data[length:], ended=True)
    assert b"".join(rest) == data[length:]
    assert taken == len(data) - length


def test_a_long_line_is_continued_until_its_newline() -> None:
    records, _ = cut(b"a" * (PIECE + 3) + b"\nb\n", ended=False)
    assert records == [b"a" * PIECE, b"aaa\n", b"b\n"]


@given(st.text(max_size=50), st.integers(min_value=0, max_value=4_000_000_000_000_000_000))
def test_what_is_encoded_decodes_to_the_same(text: str, when: int) -> None:
    data = text.encode("utf-8", "replace")
    lines = encode("stderr", [data], when)
    assert lines.endswith(b"\n")
    assert lines.count(b"\n") == 1
    assert set(json.loads(lines)) == {"log", "stream", "time"}
    record = decode(lines)
    assert record is not None
    assert (record.data, record.stream, record.time_ns) == (data, "stderr", when)


def test_bytes_that_are_no_text_become_replacement_characters() -> None:
    assert json.loads(encode("stdout", [b"\xff\x00\n"], 0))["log"] == "\ufffd\x00\n"


def test_times_are_rfc3339_with_nanoseconds() -> None:
    assert format_time(1_700_000_000_000_000_001) == "2023-11-14T22:13:20.000000001Z"
    assert parse_time("2023-11-14T22:13:20.5Z") == 1_700_000_000_500_000_000
    assert parse_time("2023-11-14T23:13:20+01:00") == 1_700_000_000_000_000_000
    with pytest.raises(ValueError, match="RFC 3339"):
        parse_time("yesterday")


def test_damaged_lines_are_no_records() -> None:
    assert decode(b'{"log":"a\\n","str') is None
    assert decode(b"[]") is None


@pytest.mark.parametrize(
    ("options", "size", "files"),
    [
        ({}, None, 1),
        ({"max-size": "10m", "max-file": "3"}, 10 << 20, 3),
        ({"max-size": "500"}, 500, 1),
        ({"max-size": "1kb"}, 1024, 1),
    ],
)
def test_rotation_options(options: dict[str, str], size: int | None, files: int) -> None:
    assert Rotation.of(options) == Rotation(size, files)


@pytest.mark.parametrize(
    "options", [{"max-size": "much"}, {"max-size": "0"}, {"max-size": "1m", "max-file": "0"}, {"max-file": "2"}]
)
def test_wrong_rotation_options_are_named(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="max-"):
        Rotation.of(options)
