"""What the machines run by default is there: a test that was renamed must not drop out unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vm import selection
from tests.vm.machine import INITS, Init

REPOSITORY = Path(__file__).resolve().parents[2]


def named(argument: str) -> str:
    """The path in an argument for pytest, empty if it has none."""
    place = argument.partition("=")[2] if argument.startswith(("--ignore=", "--deselect=")) else argument
    return "" if place.startswith("-") else place


@pytest.mark.parametrize("init", list(INITS))
def test_every_place_exists(init: Init) -> None:
    places = [place for place in map(named, selection.default(init)) if place]
    assert selection.CHECKS in places
    for place in places:
        path, _, test = place.partition("::")
        assert (REPOSITORY / path).exists(), place
        assert not test or f"def {test}(" in (REPOSITORY / path).read_text(), place


def test_neither_layer_is_left_out() -> None:
    assert {"tests/runtime", "tests/supervisor"} <= set(selection.default("bare"))
