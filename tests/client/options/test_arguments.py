"""pflag's spellings, rewritten for click."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyctl.app.arguments import Flag, normalize
from pyctl.errors import InvalidValue

FLAGS = {
    "--rm": Flag(False, on="--rm"),
    "-t": Flag(False, on="-t"),
    "-i": Flag(False, on="-i"),
    "-e": Flag(True, on="-e"),
    "--env": Flag(True, on="--env"),
    "--sig-proxy": Flag(False, on="--sig-proxy", off="--no-sig-proxy"),
}


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("--rm=true host", "--rm host"),
        ("--rm=0 host", "host"),
        ("--sig-proxy=false", "--no-sig-proxy"),
        ("-it host", "-i -t host"),
        ("-it=false host", "-i host"),
        ("-eA=1 host", "-e A=1 host"),
        ("-e=A=1 host", "-e A=1 host"),
        ("-ite A=1 host", "-i -t -e A=1 host"),
        ("-e --rm host", "-e --rm host"),
        ("--env=A host", "--env=A host"),
        ("host -it=false", "host -it=false"),
        ("-- -it=false", "-- -it=false"),
        ("-", "-"),
        ("-e", "-e"),
        ("-x -it", "-x -i -t"),
    ],
)
def test_before_the_first_operand(given_: str, expected: str) -> None:
    assert normalize(given_.split(), FLAGS, interspersed=False) == expected.split()


def test_after_operands_where_they_may_follow() -> None:
    assert normalize(["host", "-it=false", "--", "-it"], FLAGS, interspersed=True) == ["host", "-i", "--", "-it"]


def test_a_switch_with_another_value() -> None:
    with pytest.raises(InvalidValue, match='invalid argument "maybe" for "--rm" flag'):
        normalize(["--rm=maybe"], FLAGS, interspersed=False)


@given(st.lists(st.text(), max_size=6))
def test_a_container_s_own_arguments_are_never_touched(arguments: list[str]) -> None:
    assert normalize(["host", *arguments], FLAGS, interspersed=False) == ["host", *arguments]
