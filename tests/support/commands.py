"""Which commands of the real docker CLI a run of the tests has given, and how often."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import pytest


def cli_version() -> int:
    """The first number of the docker CLI's version."""
    said = subprocess.run(["docker", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+", said)
    assert found, said
    return int(found.group())


def needs_cli(version: int, what: str) -> pytest.MarkDecorator:
    """For tests of what older docker CLIs cannot ask for, such as Debian 12's."""
    return pytest.mark.skipif(
        cli_version() < version, reason=f"docker {version} is needed for {what}, this one is older"
    )


GROUPS: Final = frozenset({"container", "image", "system", "network", "volume", "context", "builder", "manifest"})

COMMANDS: Final[Counter[str]] = Counter()
"""By their names: ``run``, ``container ls``."""


def count(arguments: Sequence[str]) -> None:
    """Note one."""
    COMMANDS[name(arguments)] += 1


def name(arguments: Iterable[str]) -> str:
    """The command without its options and what it is given."""
    words = [word for word in arguments if not word.startswith("-")][:2]
    return " ".join(words if words and words[0] in GROUPS else words[:1])
