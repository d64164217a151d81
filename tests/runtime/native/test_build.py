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
    assert (result.returncode, result.stderr) == (0, ""), result.stderr


def test_extension_sources_are_clean(tmp_path: Path) -> None:
    for source in build.EXTENSION_SOURCES:
        command = ["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", *build.WARNINGS, "-fPIC"]
        target = ["-c", str(build.NATIVE / source), "-o", str(tmp_path / "out.o")]
        result = subprocess.run([*command, *target], capture_output=True, text=True)
        assert (result.returncode, result.stderr) == (0, ""), source


def test_every_build_treats_warnings_as_errors(tmp_path: Path) -> None:
    """What is promised of the C core is asked of the compiler, in the command that builds what is shipped."""
    command = build.init_command(tmp_path / "pyrunc-init")
    for warning in ("-Wall", "-Wextra", "-Wconversion", "-Werror"):
        assert warning in command
    careless = tmp_path / "careless.c"
    careless.write_text(
        "int main(int count, char **words)\n{\n\tchar narrow = count;\n\t(void)words;\n\treturn narrow;\n}\n"
    )
    sources = [word for word in command if word.endswith(".c")]
    words = [word for word in command if word not in sources and word != "-nostdlib"]
    result = subprocess.run([*words, str(careless)], capture_output=True, text=True)
    assert result.returncode != 0
    assert "[-Werror=conversion]" in result.stderr


def test_the_core_stays_small() -> None:
    """All that runs between clone and exec can be read in an afternoon, its own libc included."""
    files = [*(build.NATIVE / name for name in build.INIT_SOURCES), build.NATIVE / "libc.c"]
    lines = sum(len(file.read_text().splitlines()) for file in files)
    assert lines < 3500
    core = sum(len(file.read_text().splitlines()) for file in files[:-1])
    assert core < 3100


@pytest.mark.skipif(
    platform.machine() not in build.FREESTANDING, reason="linked with the system's libc on this machine"
)
def test_no_libc_but_its_own(tmp_path: Path) -> None:
    """Nothing is linked in but the objects of these sources, and nothing is left to be found at run time."""
    target, listing = tmp_path / "pyrunc-init", tmp_path / "map"
    command = [word for word in build.init_command(target) if word != "-s"]
    subprocess.run([*command, f"-Wl,-Map={listing}"], check=True)
    linked = {line.split()[1] for line in listing.read_text().splitlines() if line.startswith("LOAD ")}
    assert not [name for name in linked if not name.endswith(".o")], "no archive, no shared object"
    undefined = subprocess.run(["nm", "--undefined-only", target], capture_output=True, text=True, check=True).stdout
    assert undefined == ""


def test_nothing_is_allocated(tmp_path: Path) -> None:
    """A plan is used where it lies: there is no heap to be exhausted or overrun."""
    target = tmp_path / "pyrunc-init"
    subprocess.run([word for word in build.init_command(target) if word != "-s"], check=True)
    symbols = subprocess.run(["nm", target], capture_output=True, text=True, check=True).stdout
    assert not {"malloc", "calloc", "realloc", "brk", "sbrk"} & {line.split()[-1] for line in symbols.splitlines()}
