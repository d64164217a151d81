"""Which of several images suits a machine."""

from __future__ import annotations

import pytest

from pycontainerd.errors import InvalidInput
from pycontainerd.images.platforms import Platform, choose, parse_platform, platform_of

HERE = Platform("linux", "amd64")


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("linux", "linux/amd64"),
        ("arm64", "linux/arm64"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm64/8", "linux/arm64"),
        ("Linux/x86_64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("linux/arm", "linux/arm/v7"),
        ("armhf", "linux/arm/v7"),
        ("armel", "linux/arm/v6"),
        ("linux/arm/5", "linux/arm/v5"),
        ("windows/amd64", "windows/amd64"),
        ("i386", "linux/386"),
    ],
)
def test_other_names(text: str, normal: str) -> None:
    assert str(parse_platform(text, HERE)) == normal


@pytest.mark.parametrize("text", ["", "a/b/c/d", "linux/", "/amd64", "linux/am d64", "linux//v8"])
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a platform"):
        parse_platform(text, HERE)


@pytest.mark.parametrize(
    ("wanted", "offered", "best"),
    [
        ("linux/amd64", ["linux/arm64", "linux/amd64"], "linux/amd64"),
        ("linux/amd64", ["linux/386"], "linux/386"),
        ("linux/amd64", ["linux/386", "linux/amd64/v3"], "linux/386"),
        ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], "linux/amd64/v2"),
        ("linux/arm64", ["linux/arm/v6", "linux/arm/v7", "linux/arm64"], "linux/arm64"),
        ("linux/arm64", ["linux/arm/v6", "linux/arm/v7"], "linux/arm/v7"),
        ("linux/arm64/v9", ["linux/arm64"], "linux/arm64"),
        ("linux/arm/v6", ["linux/arm/v7", "linux/arm/v5"], "linux/arm/v5"),
        ("linux/arm/v6", ["linux/arm/v7", "linux/arm64"], None),
        ("linux/s390x", ["linux/amd64", "windows/s390x"], None),
    ],
)
def test_the_best_is_chosen(wanted: str, offered: list[str], best: str | None) -> None:
    known = [(platform_of(*text.split("/")), text) for text in offered]
    assert choose(known, parse_platform(wanted, HERE)) == best


def test_what_names_no_platform_is_for_all_and_comes_last() -> None:
    offered: list[tuple[Platform | None, str]] = [(None, "any"), (HERE, "ours")]
    assert choose(offered, HERE) == "ours"
    assert choose(offered[:1], HERE) == "any"
    assert choose([], HERE) is None
