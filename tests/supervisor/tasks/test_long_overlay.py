"""An overlay of a hundred layers as kernels before 6.7 are asked for it; newer ones can be asked so, too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pycontainerd.tasks import long_overlay


@pytest.fixture
def layers(tmp_path: Path) -> list[str]:
    """Highest first; each has a file of its own. Their paths are too long for a page."""
    base = tmp_path / ("a,long:name" * 8)
    made = [base / f"{number}/fs" for number in range(100)]
    for number, layer in enumerate(made):
        layer.mkdir(parents=True)
        (layer / f"f{number}").write_text(str(number))
        (layer / "same").write_text(str(number))
    return [str(layer) for layer in made]


@contextmanager
def mounted(layers: list[str], *settings: tuple[str, str | None], read_only: bool) -> Iterator[int]:
    mount = long_overlay.mount(layers, settings, read_only=read_only)
    try:
        root = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=mount)
        yield root
        os.close(root)
    finally:
        os.close(mount)


def contents(root: int, name: str) -> str:
    with open(os.open(name, os.O_RDONLY, dir_fd=root), encoding="utf-8") as file:
        return file.read()


def test_all_layers_are_there_and_no_mount(layers: list[str]) -> None:
    before, place = Path("/proc/self/mountinfo").read_text(), Path.cwd()
    with mounted(layers, read_only=True) as root:
        assert len(os.listdir(root)) == 101
        assert contents(root, "same") == "0"
        assert Path("/proc/self/mountinfo").read_text() == before, "seen by nobody"
        assert os.listdir(layers[0]) == ["f0", "same"] or os.listdir(layers[0]) == ["same", "f0"]
        with pytest.raises(OSError, match="Read-only file system"):
            os.mkdir("x", dir_fd=root)
    assert Path.cwd() == place


def test_what_is_written_is_in_the_upper_layer(layers: list[str]) -> None:
    top, *below = layers
    work = Path(top).with_name("work")
    work.mkdir()
    with mounted(below, ("upperdir", top), ("workdir", str(work)), read_only=False) as root:
        assert len(os.listdir(root)) == 101
        os.mkdir("made", dir_fd=root)
    assert Path(top, "made").is_dir()


def test_what_the_kernel_refuses(layers: list[str]) -> None:
    with pytest.raises(OSError, match="Invalid argument"):
        long_overlay.mount(layers, [("no-such-option", None)], read_only=True)
    with pytest.raises(FileNotFoundError):
        long_overlay.mount([*layers, layers[0] + "-is-not-there"], [], read_only=True)
