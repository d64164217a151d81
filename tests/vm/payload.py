"""The machine's second disk: this checkout, and the environment that these tests run in with all its packages.

It is made anew for every machine, in a few seconds, so the machine needs no network and no time to install anything.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.vm.debian import file_system

REPOSITORY: Final = Path(__file__).resolve().parents[2]
GUEST_PYTHON: Final = (3, 11)
"""What Debian bookworm brings. Compiled packages, and what pip has compiled of the others, are for one version."""

_DISK_SIZE: Final = "2G"
_GUEST_ENVIRONMENT: Final = "/srv/venv"
_NOT_NEEDED: Final = ("pip", "pip-*", "mypy", "mypy-*", "mypyc", "ruff", "ruff-*", "*.pyi")


class WrongPython(Exception):  # noqa: N818 - what is wrong
    """The environment is of another Python than the machine has."""


def make(target: Path, arguments: list[str]) -> None:
    """Write the disk; ``arguments`` are pytest's. Raises WrongPython."""
    if sys.version_info[:2] != GUEST_PYTHON:
        wanted = ".".join(map(str, GUEST_PYTHON))
        raise WrongPython(
            f"this is Python {sys.version.split()[0]}, but the machine's packages need {wanted}: run it with that"
        )
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        _checkout(Path(scratch, "checkout"))
        _environment(Path(scratch, "venv"))
        Path(scratch, "arguments.json").write_text(json.dumps(arguments))
        file_system(target, Path(scratch), _DISK_SIZE)


def _checkout(target: Path) -> None:
    """The files of the working tree as they are now: committed, changed and new, but not the ignored ones."""
    listing = ["git", "-C", str(REPOSITORY), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split("\0"):
        source = REPOSITORY / name
        if name and source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target / name)


def _environment(target: Path) -> None:
    """A copy of the running environment whose interpreter is the machine's own."""
    version = ".".join(map(str, GUEST_PYTHON))
    packages = f"lib/python{version}/site-packages"
    shutil.copytree(Path(sys.prefix, packages), target / packages, ignore=shutil.ignore_patterns(*_NOT_NEEDED))
    (target / "pyvenv.cfg").write_text(f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {version}\n")
    (target / "bin").mkdir()
    for name in ("python", "python3"):
        (target / "bin" / name).symlink_to("/usr/bin/python3")
    for script in Path(sys.prefix, "bin").iterdir():
        _script(script, target / "bin" / script.name)


def _script(script: Path, target: Path) -> None:
    """Copy a command of the environment; others (activate, links to the interpreter) stay behind."""
    first, _, rest = (
        script.read_bytes().partition(b"\n") if script.is_file() and not script.is_symlink() else (b"", b"", b"")
    )
    if first.startswith(f"#!{sys.prefix}/bin/python".encode()):
        target.write_bytes(f"#!{_GUEST_ENVIRONMENT}/bin/python\n".encode() + rest)
        target.chmod(0o755)
