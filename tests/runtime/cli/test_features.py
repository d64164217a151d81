"""``features``: valid by the specification's schema, and no less than Debian's runc says of itself."""

from __future__ import annotations

import json

import pytest

import pyrunc as library
from tests.runtime.cli.conftest import Command
from tests.runtime.cli.test_peers import validate

pytestmark = pytest.mark.peer


def test_all_that_runc_has(pyrunc: Command, runc: Command) -> None:
    ours, theirs = (json.loads(command("features").stdout) for command in (pyrunc, runc))
    validate(ours, "features-schema.json")
    assert ours == library.features().to_json()
    assert ours["hooks"] == theirs["hooks"]
    assert set(ours["mountOptions"]) >= set(theirs["mountOptions"])
    for name in ("namespaces", "capabilities"):
        assert set(ours["linux"][name]) >= set(theirs["linux"][name])
    for name in ("actions", "operators", "archs"):
        assert set(ours["linux"]["seccomp"][name]) >= set(theirs["linux"]["seccomp"][name])
    libseccomp = "io.github.seccomp.libseccomp.version"
    assert ours["annotations"][libseccomp] == theirs["annotations"][libseccomp]
    assert (ours["ociVersionMin"], ours["ociVersionMax"]) == ("1.0.0", "1.3.0")
