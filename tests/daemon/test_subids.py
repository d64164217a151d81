"""Ranges of subordinate ids, as subuid(5) has them in its files."""

from __future__ import annotations

import pytest

from pydockerd.errors import ConfigError
from pydockerd.host.subids import ranges, remapping


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("joe:100000:65536\n", ((100000, 65536),)),
        ("ann:1:2\n1001:5:6\njoe:100000:1000\njoe:7:8\n", ((5, 6), (100000, 1000), (7, 8))),
        ("joe\njoe:1\njoe:a:b\njoe:-1:5\njoe:5:0\n:::\n#joe:1:1\n  joe:3:4  ", ((3, 4),)),
    ],
)
def test_whose_they_are(text: str, found: tuple[tuple[int, int], ...]) -> None:
    """By name or number, in the order of the file; what is damaged gives nothing."""
    assert ranges(text, "joe", 1001) == found


def test_nobody_is_remapped_without_being_asked() -> None:
    assert remapping("") is None
    assert remapping("root") is None
    assert remapping("0") is None


@pytest.mark.parametrize("said", ["a:b:c", ":", "a:", ":a"])
def test_what_is_no_user(said: str) -> None:
    with pytest.raises(ConfigError, match="Invalid user/group specification in --userns-remap"):
        remapping(said)
