"""What a load, import or pull shows while it goes on."""

from __future__ import annotations

import io
import sys

import pytest

from pyctl.app.commands.progress import show
from pyctl.errors import CommandFailed
from pyctl.models.fields import Json, decode
from pyctl.models.images import Progress


class Terminal(io.StringIO):
    """What is written to it is kept; it says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def messages(*documents: dict[str, Json]) -> list[Progress]:
    return [decode(Progress, dict(document), "test") for document in documents]


PULL = messages(
    {"status": "Pulling from library/x", "id": "latest"},
    {"status": "Downloading", "id": "aaa", "progress": "[==>  ]"},
    {"status": "Download complete", "id": "aaa"},
    {"status": "Digest: sha256:0"},
    {"stream": "Loaded image: x:latest\n"},
)


def test_elsewhere_than_on_a_terminal_only_changes(capsys: pytest.CaptureFixture[str]) -> None:
    show(iter(PULL))
    assert capsys.readouterr().out == (
        "latest: Pulling from library/x\naaa: Download complete\nDigest: sha256:0\nLoaded image: x:latest\n"
    )


def test_on_a_terminal_each_layer_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    show(iter(PULL[1:3] + messages({"status": "Waiting", "id": "bbb"}) + PULL[1:2]))
    up_one, up_two = "\x1b[1A\x1b[2K\r", "\x1b[2A\x1b[2K\r"
    assert terminal.getvalue() == (
        f"\n{up_one}aaa: Downloading [==>  ]\r\x1b[1B"
        f"{up_one}aaa: Download complete\r\x1b[1B"
        f"\n{up_one}bbb: Waiting\r\x1b[1B"
        f"{up_two}aaa: Downloading [==>  ]\r\x1b[2B"
    )


def test_quiet_and_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    show(iter(PULL), quiet=True)
    show(iter(PULL[3:4]), to_stderr=True)
    assert capsys.readouterr() == ("", "Digest: sha256:0\n")


def test_a_failure_on_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    failing = messages({"status": "Digest: x"}, {"error": "disk full", "errorDetail": {"message": "disk full"}})
    with pytest.raises(CommandFailed, match="disk full"):
        show(iter(failing))
    assert capsys.readouterr().out == "Digest: x\n"
