"""The plans of some fifteen configurations, word for word: any change to what is done to the machine shows up in review.

After a change that is meant: ``PYRUNC_WRITE_GOLDEN=1 pytest tests/runtime/compile/test_golden.py``, then read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyrunc.compile import Compiled
from pyrunc.explain import explain
from tests.runtime.compile.configurations import CONFIGURATIONS

GOLDEN = Path(__file__).with_name("golden")


def told(compiled: Compiled) -> str:
    """The plan, then the descriptors by slot."""
    slots = "".join(f"slot {index}: {request!r}\n" for index, request in enumerate(compiled.slots))
    return explain(compiled.plan) + slots


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_plan_is_as_it_was(name: str) -> None:
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("PYRUNC_WRITE_GOLDEN"):
        file.write_text(told(CONFIGURATIONS[name]))
    assert told(CONFIGURATIONS[name]) == file.read_text()


def test_no_golden_text_is_left_over() -> None:
    assert {file.stem for file in GOLDEN.iterdir()} == set(CONFIGURATIONS)
