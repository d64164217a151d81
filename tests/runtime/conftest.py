"""What the tests of the runtime share: a runtime of one's own, and bundles of busybox."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from attrs import frozen

import pyrunc
from pyrunc import Runtime, Spec
from tests.support.run import RUN


@pytest.fixture
def runtime(tmp_short: Path) -> Iterator[Runtime]:
    """A runtime whose containers are gone after the test, also of one that failed."""
    made = Runtime(tmp_short / "state")
    yield made
    for name in made.ids():
        with suppress(pyrunc.ContainerNotFound):
            made.delete(name, force=True)


@frozen
class Bundle:
    """A directory with a config.json; ``root`` is its root file system, shared by all and not to be written to."""

    path: Path
    root: Path

    def spec(self, *args: str, terminal: bool = False) -> Spec:
        """A command in the busybox root; one string is for the shell. In a cgroup of its own: several runs of the tests may go on at once."""
        command = ("sh", "-c", args[0]) if len(args) == 1 and " " in args[0] else args
        made = Spec.default().with_args(*command, terminal=terminal).with_root(self.root, readonly=True)
        return made.with_linux(cgroups_path=f"/pyrunc-{RUN.name[:12]}/{uuid4().hex[:12]}")

    def write(self, spec: Spec) -> Path:
        """Put the specification into config.json. Returns the bundle's path."""
        (self.path / "config.json").write_text(json.dumps(spec.to_json()))
        return self.path


@pytest.fixture
def bundle(tmp_path: Path, busybox_rootfs: Path) -> Bundle:
    """A bundle without a config.json yet."""
    directory = tmp_path / "bundle"
    directory.mkdir()
    return Bundle(directory, busybox_rootfs)


@pytest.fixture
def own_root(tmp_path: Path, busybox_rootfs: Path) -> Path:
    """A busybox root file system that the test may change."""
    return Path(shutil.copytree(busybox_rootfs, tmp_path / "own-root", symlinks=True))


Outcome = tuple[int, str, str]
"""Exit code, standard output, standard error."""


@pytest.fixture
def outcome(runtime: Runtime, bundle: Bundle) -> Callable[..., Outcome]:
    """Run a specification to its end in a container that is deleted afterwards."""

    def run(spec: Spec, *, monitor: bool = False, **options: object) -> Outcome:
        name = f"c{len(os.listdir('/proc'))}{RUN.name[:12]}"
        container = runtime.create(
            name,
            bundle.path,
            spec=spec,
            stdio=pyrunc.Stdio.pipes(),
            monitor=monitor,
            **options,  # type: ignore[arg-type]
        )
        try:
            with container.streams() as streams:
                container.start()
                output, errors = read_all(streams.stdout), read_all(streams.stderr)
            return container.wait(30).code, output, errors
        finally:
            container.delete(force=True)

    return run


def read_all(descriptor: int | None) -> str:
    """All that comes, until the writers have closed."""
    assert descriptor is not None
    parts = []
    with suppress(OSError):  # a terminal's master says EIO at its end
        while part := os.read(descriptor, 65536):
            parts.append(part)
    return b"".join(parts).decode()
