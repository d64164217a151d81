"""No configuration at all makes a traceback, or leaves anything behind: loaded, compiled, explained and run by the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from pyrunc import Facts, PyruncError, Spec
from pyrunc.compile.container import compile as compile_container
from pyrunc.encode import encode
from pyrunc.explain import explain
from tests.runtime.spec.generated import specs
from tests.support.leftovers import Machine, settled
from tests.support.run import RUN

HOST = Facts.probe()
GOOD: dict[str, Any] = {
    "ociVersion": "1.3.0",
    "process": {"cwd": "/", "args": ["true"], "env": ["PATH=/bin"]},
    "root": {"path": "rootfs"},
    "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}]},
}


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(document=specs())
def test_it_is_compiled_or_refused(document: dict[str, Any]) -> None:
    refused = None
    try:
        spec = Spec.load(document)
        compiled = compile_container(spec, HOST, id="c", bundle="/b", cgroups={}, assemble=lambda _: b"\0" * 8)
    except PyruncError as error:
        refused = str(error)
    if refused is not None:
        assert refused
        return
    assert len(explain(compiled.plan).splitlines()) >= len(compiled.plan.operations)
    assert encode(compiled.plan, slots=len(compiled.slots))
    assert Spec.load(spec.to_json()) == spec


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, busybox_rootfs: Path) -> Path:
    """A bundle in which anything may be made: its root is a copy."""
    path = tmp_path_factory.mktemp("generated")
    subprocess.run(["cp", "-a", busybox_rootfs, path / "rootfs"], check=True)
    (path / "loop").symlink_to("loop")
    (path / "file").touch()
    return path


def command(root: Path, bundle: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """The command as it is installed, in a Python of its own."""
    line = [sys.executable, "-c", "from pyrunc.cli import main; main()", "--root", str(root), *words]
    return subprocess.run(line, cwd=bundle, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@example(document=GOOD)
@given(document=specs())
def test_it_is_run_or_refused(document: dict[str, Any], bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    good = document == GOOD
    placed = {**document["linux"], "cgroupsPath": f"/pyrunc-{RUN.name[:12]}/generated"}
    document = {**document, "linux": placed}
    (bundle / "config.json").write_text(json.dumps(document))
    root = bundle / "state"
    before = Machine.now()
    explained = command(root, bundle, "explain", ".")
    run = command(root, bundle, "run", "one")
    deleted = command(root, bundle, "delete", "--force", "one")
    for done in (explained, run, deleted):
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        assert done.returncode == 0 or done.stderr or done is run, done
    assert run.returncode == 0 or not good, run
    # programs of system call filters are kept for the next container
    assert [path for path in (root.iterdir() if root.exists() else ()) if path.name != "@filters"] == []
    assert not settled(before)
