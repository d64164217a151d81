"""Files of the Container Device Interface: which devices they describe, and which of them are not used, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pydockerd.cdi.specification import find

SOUND = {
    "cdiVersion": "0.5.0",
    "kind": "vendor.com/net",
    "devices": [{"name": "eth0", "containerEdits": {"env": ["A=1"]}}],
}


def described(directory: Path, name: str, **changes: object) -> None:
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(json.dumps({**SOUND, **changes}))


def test_later_directories_come_first(tmp_path: Path) -> None:
    described(tmp_path / "a", "x.json")
    described(tmp_path / "b", "x.json", devices=[{"name": "eth0", "containerEdits": {"env": ["A=2"]}}])
    found = find([tmp_path / "a", tmp_path / "b", tmp_path / "none"])
    assert [edits.env for edits in found["vendor.com/net=eth0"]] == [(), ("A=2",)]


def test_two_files_that_contradict_each_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    described(tmp_path, "x.json")
    described(tmp_path, "y.json")
    assert find([tmp_path]) == {}
    assert "several files" in caplog.text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"cdiVersion": "7.0.0"}, "cdiVersion: '7.0.0' is not known"),
        ({"kind": "vendor"}, "kind: 'vendor' is not of the form vendor/class"),
        ({"devices": [{"name": "a b"}]}, "devices[0].name: 'a b' is no name"),
        ({"devices": {"name": "a"}}, "devices: expected an array"),
        ({"containerEdits": {"env": [1]}}, "containerEdits.env[0]: expected a string"),
    ],
)
def test_a_file_that_is_wrong_is_left_out_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, changes: dict[str, object], told: str
) -> None:
    described(tmp_path, "wrong.json", **changes)
    described(tmp_path, "sound.json", kind="other.com/net")
    assert list(find([tmp_path])) == ["other.com/net=eth0"]
    assert told in caplog.text


@pytest.mark.parametrize("text", ["{", "[]", "a: b: c", "\x00", "&a [*a]"])
def test_what_is_no_description(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    assert find([tmp_path]) == {}
