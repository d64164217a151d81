"""The keys that detach."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyctl.app.terminal.keys import DEFAULT, Detector, parse
from pyctl.errors import InvalidValue


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ctrl-p,ctrl-q", DEFAULT),
        ("a", b"a"),
        ("ctrl-a,x", b"\x01x"),
        ("ctrl-@", b"\0"),
        ("ctrl-[,ctrl-_", b"\x1b\x1f"),
    ],
)
def test_parse(text: str, expected: bytes) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["ctrl-", "ctrl-é", "foo", "ctrl-A", "a,,b"])
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(InvalidValue, match="invalid detach keys"):
        parse(text)


@pytest.mark.parametrize(
    ("typed", "passed", "detached"),
    [
        ([b"abc"], b"abc", False),
        ([b"ab\x10\x11cd"], b"ab", True),
        ([b"ab\x10", b"\x11"], b"ab", True),
        ([b"\x10", b"x"], b"\x10x", False),
        ([b"\x10\x10\x11"], b"\x10", True),
        ([b"\x11\x10"], b"\x11", False),
    ],
)
def test_detector(typed: list[bytes], passed: bytes, detached: bool) -> None:
    detector = Detector(DEFAULT)
    results = [detector.feed(part) for part in typed]
    assert b"".join(part for part, _ in results) == passed
    assert results[-1][1] is detached


@given(st.lists(st.binary(max_size=5)), st.binary(max_size=3))
def test_nothing_is_lost_that_does_not_detach(typed: list[bytes], sequence: bytes) -> None:
    detector = Detector(sequence)
    passed = b""
    for part in typed:
        more, detached = detector.feed(part)
        passed += more
        if detached:
            assert b"".join(typed).startswith(passed + sequence)
            return
    assert passed + detector.rest() == b"".join(typed)
