"""The multiplexed stream."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyctl.errors import MalformedAnswer, PyctlError
from pyctl.streams import copy, demultiplex


def frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(data)) + data


@given(st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.binary(max_size=20))), st.integers(1, 30))
def test_frames_come_out_however_they_are_cut(frames: list[tuple[int, bytes]], step: int) -> None:
    whole = b"".join(frame(stream, data) for stream, data in frames)
    out, err = io.BytesIO(), io.BytesIO()
    copy(demultiplex(whole[i : i + step] for i in range(0, len(whole), step)), out, err)
    assert out.getvalue() == b"".join(data for stream, data in frames if stream != 2)
    assert err.getvalue() == b"".join(data for stream, data in frames if stream == 2)


def test_an_error_of_the_daemon_is_raised() -> None:
    with pytest.raises(PyctlError, match="error from daemon in stream: disk full"):
        list(demultiplex([frame(3, b"disk full")]))


@pytest.mark.parametrize("data", [frame(1, b"abc")[:-1], frame(1, b"")[:5]])
def test_a_stream_that_breaks_off(data: bytes) -> None:
    with pytest.raises(MalformedAnswer, match="ended"):
        list(demultiplex([data]))


def test_an_unknown_stream() -> None:
    with pytest.raises(MalformedAnswer, match="unknown stream 9"):
        list(demultiplex([frame(9, b"x")]))
