"""JSON text without the json module: the same values, the same texts and the same refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrunc.jsontext import dumps, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_texts_are_those_of_json(value: Any) -> None:
    assert dumps(value) == json.dumps(value, separators=(",", ":"))
    assert dumps(value, sort_keys=True) == json.dumps(value, separators=(",", ":"), sort_keys=True)
    assert loads(json.dumps(value, indent=1)) == value
    assert loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) == value


@given(st.text(alphabet='{}[]",:0123456789.eE+-\\ \n\ttrufalsn'))
def test_what_is_no_json_is_refused_as_json_refuses_it(text: str) -> None:
    assert outcome(loads, text) == outcome(json.loads, text)


def outcome(read: Callable[[str], Any], text: str) -> object:
    try:
        return read(text)
    except ValueError as error:
        return type(error), str(error)


@pytest.mark.parametrize("constant", ["NaN", "[Infinity]", '{"a": -Infinity}'])
def test_constants_that_are_no_json_are_refused(constant: str) -> None:
    with pytest.raises(ValueError, match="is not a JSON value"):
        loads(constant)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le"])
def test_other_encodings_are_told_apart(encoding: str) -> None:
    assert loads('{"ä": 1}'.encode(encoding)) == {"ä": 1}


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ValueError, match="decode"):
        loads(b'"\xff"')


def test_deep_nesting_is_refused_and_no_crash() -> None:
    with pytest.raises(RecursionError):
        loads("[" * 200_000)


@pytest.mark.parametrize("value", [{1, 2}, [object()], {"a": b"x"}])
def test_what_has_no_json_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="is not JSON serializable"):
        dumps(value)


def test_neither_json_nor_regular_expressions_are_imported_until_there_is_an_error() -> None:
    program = """
import sys
from pyrunc.jsontext import dumps, loads
assert loads(dumps({"a": [1, "b"]})) == {"a": [1, "b"]}
assert not {"json", "re"} & sys.modules.keys()
try:
    loads("[1")
except ValueError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "Expecting ',' delimiter: line 1 column 3 (char 2)\n"
