"""Encoding: fast, and refusing what the wire has no place for."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrunc import _native
from pyrunc.encode import EncodeError, encode
from pyrunc.plan import Clone, ExecVe, LoadSeccomp, Plan, SetHostname, SetRlimit

START = Clone(flags=0)
END = ExecVe(argv=("true",), env=())
NO_NUL = st.text(st.characters(exclude_characters="\0", exclude_categories=()), max_size=40).map(
    lambda text: text.encode("utf-8", "ignore").decode("utf-8", "ignore")
)


def accepted(data: bytes) -> bool:
    return bool(_native.lib.pyrunc_check(data, len(data), _native.ffi.new("uint32_t *")) == _native.ffi.NULL)


@given(st.lists(NO_NUL, max_size=5).map(tuple), st.lists(NO_NUL, max_size=5).map(tuple), st.binary(max_size=50))
def test_whatever_is_encoded_is_accepted(argv: tuple[str, ...], env: tuple[str, ...], program: bytes) -> None:
    assert accepted(encode(Plan((START, LoadSeccomp(program=program), ExecVe(argv=argv, env=env)))))


def test_the_layout_is_the_documented_one() -> None:
    data = encode(Plan((START, SetHostname(name="ab"), END)), slots=3, preserve=2, monitor=True, hold=5)
    assert struct.unpack_from("=8sIIQIIII", data) == (b"PYRUNC\r\n", 1, 3, len(data), 3, 2, 1, 5)
    hostname = struct.pack("=HHIQ", 40, 1, 24, 2) + b"ab\0\0\0\0\0\0"
    assert hostname in data


def test_bytes_that_are_no_text_come_through() -> None:
    name = b"/caf\xe9".decode("utf-8", "surrogateescape")
    assert b"/caf\xe9\0" in encode(Plan((START, ExecVe(argv=(name,), env=()))))


def test_the_largest_limit() -> None:
    assert accepted(encode(Plan((START, SetRlimit(resource=7, soft=0, hard=2**64 - 1), END))))


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (SetHostname(path="hostname", name="a\0b"), "hostname: name contains a NUL"),
        (ExecVe(path="process", argv=("a", "b\0c"), env=()), "process: argv contains a NUL"),
        (SetRlimit(path="limits", resource=1, soft=2**64, hard=0), "limits: soft needs more than 64 bits"),
    ],
)
def test_refuses_and_names_the_field(operation: SetHostname, message: str) -> None:
    with pytest.raises(EncodeError, match=f"^{message}$"):
        encode(Plan((START, operation, END)))
