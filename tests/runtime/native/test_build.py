"""The C core compiles without a warning, in both of its forms, and under the compiler's own analysis."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest

from pyrunc.native import build


@pytest.mark.parametrize("freestanding", [True, False])
def test_links_static_without_a_warning(tmp_path: Path, freestanding: bool) -> None:
    if freestanding and platform.machine() not in build.FREESTANDING:
        pytest.skip("this machine's pyrunc-init is always linked with libc")
    target = tmp_path / "pyrunc-init"
    result = subprocess.run(build.init_command(target, freestanding=freestanding), capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    headers = subprocess.run(["readelf", "-lW", target], capture_output=True, text=True, check=True).stdout
    assert "INTERP" not in headers, "needs a dynamic linker, which a root may not have"
    stack = next(line for line in headers.splitlines() if "GNU_STACK" in line)
    assert " RWE " not in stack


def test_no_argument_no_start(tmp_path: Path) -> None:
    """Run by hand it does nothing: all it knows comes from the spawn."""
    target = tmp_path / "pyrunc-init"
    subprocess.run(build.init_command(target), check=True)
    assert subprocess.run([target]).returncode == 2
    assert subprocess.run([target, "0"]).returncode == 2


@pytest.mark.parametrize("source", build.INIT_SOURCES)
def test_analyzer_finds_nothing(tmp_path: Path, source: str) -> None:
    command = [
        *("gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O1", *build.WARNINGS, "-fanalyzer"),
        # Descriptors are closed by the end of the process; the analyzer would have each failure path close them.
        *("-Wno-analyzer-fd-leak", "-c", str(build.NATIVE / source), "-o", str(tmp_path / "out.o")),
    ]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_extension_sources_are_clean(tmp_path: Path) -> None:
    for source in build.EXTENSION_SOURCES:
        command = ["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", *build.WARNINGS, "-fPIC"]
        target = ["-c", str(build.NATIVE / source), "-o", str(tmp_path / "out.o")]
        result = subprocess.run([*command, *target], capture_output=True, text=True)
        assert (result.returncode, result.stderr) == (0, ""), source
