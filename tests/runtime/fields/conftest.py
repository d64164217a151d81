"""A container that looks at itself: the host's /usr with its Python in it, and a snippet that says what it sees."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen

from pyrunc import Mount, Root, Spec
from pyrunc.capabilities import names_of
from pyrunc.spec import Capabilities
from tests.runtime.conftest import Bundle, Outcome
from tests.support.run import RUN

PRELUDE = """
import ctypes, errno, json, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    '''The result, or minus the errno.'''
    result = libc.syscall(ctypes.c_long(number), *(a if isinstance(a, bytes) else ctypes.c_ulong(a) for a in arguments))
    return -ctypes.get_errno() if result < 0 else result
def read(path):
    with open(path) as file:
        return file.read()
def status(name):
    return next(line.split(":", 1)[1].strip() for line in read("/proc/self/status").splitlines() if line.startswith(name + ":"))
def mount(path):
    '''(options of the mount, propagation, type, options of the file system), of the last on this path.'''
    lines = [line.split() for line in read("/proc/self/mountinfo").splitlines()]
    fields = [line for line in lines if line[4] == path][-1]
    dash = fields.index("-")
    return [fields[5].split(","), fields[6:dash], fields[dash + 1], fields[dash + 3].split(",")]
def failed(action, *arguments):
    '''The name of the errno, or None.'''
    try:
        action(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
def say(*values):
    print(json.dumps(values[0] if len(values) == 1 else values), flush=True)
"""


def own_capabilities() -> Capabilities:
    """All that this machine lets its root have."""
    mask = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapPrm"))
    names = tuple(names_of(int(mask.split()[1], 16)))
    return Capabilities(bounding=names, permitted=names, effective=names)


ALL = own_capabilities()


@pytest.fixture(scope="session")
def seeing_root() -> Path:
    """A root with the mount points for /usr, and nothing that a test may change."""
    return opened(make_root(RUN.short_directory() / "seeing"))


def make_root(path: Path) -> Path:
    path.mkdir(parents=True)
    for name in ("usr", "proc", "sys", "dev", "tmp", "etc", "mnt", "root", "opt"):
        (path / name).mkdir()
    for name in ("bin", "sbin", "lib", "lib64"):
        (path / name).symlink_to(f"usr/{name}")
    (path / "tmp").chmod(0o1777)
    return path


def opened(path: Path) -> Path:
    """``path``, so that other users reach it: the directories of a run of the tests are closed to all but root."""
    for directory in path.parents:
        if directory.is_relative_to(RUN.directory):
            directory.chmod(0o711)
    return path


@pytest.fixture
def loose_root(tmp_path: Path) -> Path:
    """The same for the test to change."""
    return make_root(tmp_path / "loose")


@frozen
class Inside:
    """``inside(code, change)``: run the Python ``code`` in a container that ``change`` has changed, and give back what it says.

    The container may do all that root may, so that what a field forbids is what is seen.
    """

    bundle: Bundle
    root: Path
    outcome: Callable[..., Outcome]

    def spec(self, code: str, root: Path | None = None) -> Spec:
        spec = self.bundle.spec("python3", "-I", "-S", "-c", PRELUDE + code)
        spec = evolve(spec, root=Root(path=str(root or self.root), readonly=root is None))
        usr = Mount(destination="/usr", type="bind", source="/usr", options=("rbind", "ro"))
        return evolve(spec, mounts=(*spec.mounts, usr)).with_process(capabilities=ALL, no_new_privileges=False)

    def __call__(
        self, code: str, change: Callable[[Spec], Spec] = lambda spec: spec, root: Path | None = None, **options: Any
    ) -> Any:
        status, output, errors = self.outcome(change(self.spec(code, root)), **options)
        assert status == 0, (status, output, errors)
        return json.loads(output)


@pytest.fixture
def inside(bundle: Bundle, seeing_root: Path, outcome: Callable[..., Outcome]) -> Inside:
    return Inside(bundle, seeing_root, outcome)


def linux(**changes: Any) -> Callable[[Spec], Spec]:
    """A change of ``linux``."""
    return lambda spec: spec.with_linux(**changes)


def process(**changes: Any) -> Callable[[Spec], Spec]:
    """A change of ``process``."""
    return lambda spec: spec.with_process(**changes)


def mounted(*mounts: Mount) -> Callable[[Spec], Spec]:
    """More mounts."""
    return lambda spec: evolve(spec, mounts=(*spec.mounts, *mounts))
