"""Both file formats: what is written in batches reads back as the same records, whole, from the end and when torn."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycontainerd.logs import jsonread
from pycontainerd.logs.format import Format
from pycontainerd.logs.jsonfile import JsonFile
from pycontainerd.logs.lines import PIECE, cut, pieces
from pycontainerd.logs.local import Local
from pycontainerd.logs.record import LogRecord, LogStream

FORMS = pytest.mark.parametrize("form", [JsonFile(), JsonFile({"site": 'x,"stream":"y"', "b": "ö"}), Local()])
_SNIPPETS = [
    b"",
    b"plain",
    b'quo"te',
    b"back\\slash",
    b"\\n",
    b"tab\tbell\x07",
    "ünï ☃".encode(),
    b"cr\r",
    b"x" * (PIECE + 7),
    b"\\u00e9",
]
LINES = st.lists(st.sampled_from(_SNIPPETS), min_size=1, max_size=30)
BATCHES = st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), LINES, st.booleans()), min_size=1, max_size=8)
Batches = list[tuple[LogStream, list[bytes], bool]]


def encoded(form: Format, batches: Batches) -> tuple[bytes, list[LogRecord]]:
    """The file and the records that are in it; a batch without a last newline is the end of its stream."""
    attributes = form.attributes if isinstance(form, JsonFile) else {}
    blob, records = b"", []
    for number, (stream, lines, complete) in enumerate(batches):
        data = b"\n".join(lines) + (b"\n" if complete or not lines[-1] else b"")
        time_ns = 1_700_000_000_000_000_000 + number * 250_000_001
        blob += form.encode(stream, data, time_ns)
        records += [LogRecord(time_ns, stream, piece, attributes) for piece in pieces(data)]
    return blob, records


def decoded(form: Format, blob: bytes) -> list[LogRecord]:
    return [record for batch in form.decode(blob) for record in batch.records()]


@FORMS
@given(batches=BATCHES)
def test_what_is_written_is_read(form: Format, batches: Batches) -> None:
    blob, records = encoded(form, batches)
    assert form.whole(blob) == len(blob)
    assert decoded(form, blob) == records


@FORMS
@given(batches=BATCHES, tail=st.integers(0, 80), torn=st.integers(1, 27))
def test_from_the_end_and_torn(form: Format, batches: Batches, tail: int, torn: int) -> None:
    blob, records = encoded(form, batches)
    half = form.encode("stdout", b"never seen\n", 1)[:torn]
    fd = os.memfd_create("log")
    try:
        os.write(fd, blob + half)
        assert form.sound_size(fd) == len(blob)
        place = form.tail(fd, len(blob), tail)
        found = decoded(form, blob[place.offset :])[place.skip :]
        assert found == records[max(0, len(records) - tail) :]
        assert place.missing == max(0, tail - len(records))
        assert form.whole(blob + half) == len(blob)
    finally:
        os.close(fd)


@given(batches=BATCHES)
def test_every_line_is_json_as_docker_has_it(batches: Batches) -> None:
    blob, records = encoded(JsonFile(), batches)
    entries = [json.loads(line) for line in blob.splitlines()]
    assert [entry["log"].encode() for entry in entries] == [record.data for record in records]
    assert all(list(entry) == ["log", "stream", "time"] for entry in entries)


@given(st.binary(max_size=300))
def test_a_batch_is_written_as_its_records_one_by_one_would_be(data: bytes) -> None:
    records, length = cut(data, ended=True)
    if records:
        assert JsonFile().encode("stdout", data[:length], 7) == JsonFile().encode_each("stdout", records, 7)


@given(
    st.lists(
        st.sampled_from(
            [
                b'{"log":"a\\n","stream":"stdout","time":"2026-01-02T03:04:05.000000001Z"}',
                b'{"log":"b\\n","stream":"stderr","time":"2026-01-02T03:04:05.5Z"}',
                b'{"time":"2026-01-02T03:04:05Z","stream":"stdout","log":"other order\\n"}',
                b'{"log":"\\u003c\\"\\n","stream":"stdout","time":"2026-01-02T03:04:05.000000001Z"}',
                b'{"log":"two\\nlines\\n","stream":"stdout","time":"2026-01-02T03:04:05.000000001Z"}',
                b'{"log":"no newline","stream":"stdout","time":"2026-01-02T03:04:05.000000001Z"}',
                b'{"log":"a\\n","stream":"stdin!","time":"2026-01-02T03:04:05.000000001Z"}',
                b'{"log":"a\\n","stream":"stdout","attrs":{"x":"y"},"time":"2026-01-02T03:04:05.000000001Z"}',
                b'{"log":"torn\\n","stream":"st',
                b"",
                b"null",
                b'{"log":"\\x\\n","stream":"stdout","time":"2026-01-02T03:04:05.000000001Z"}',
            ]
        ),
        max_size=9,
    )
)
def test_together_and_alone_lines_say_the_same(lines: list[bytes]) -> None:
    """Whoever wrote them: docker, another order, half a line."""
    block = b"".join(line + b"\n" for line in lines)
    alone = [record for line in lines if (batch := jsonread.slow(line)) is not None for record in batch.records()]
    assert [record for batch in jsonread.batches(block) for record in batch.records()] == alone


def test_a_local_log_takes_little_more_than_what_was_said() -> None:
    said = b"an ordinary line\n" * 1000
    assert len(Local().encode("stdout", said, 1)) == len(said) + 17


def test_a_damaged_local_entry_ends_the_sound_part(tmp_path: Path) -> None:
    good = Local().encode("stdout", b"good\n", 1)
    with (tmp_path / "log").open("w+b") as file:
        file.write(good + b"\xff" * 40)
        file.flush()
        assert Local().sound_size(file.fileno()) == len(good)
