"""The version of the docker CLI that the tests drive: Debian's are older than the one whose words pyctl uses."""

from __future__ import annotations

import re
import subprocess

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
