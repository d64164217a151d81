"""The watcher of an ephemeral supervisor, from the supervisor's side."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyrunc
from pycontainerd import errors
from pycontainerd.ephemeral import register

_WATCHER = Path(__file__).with_name("watcher.py")


@contextlib.contextmanager
def guarded(root: Path, state: Path, runtime_root: Path, cgroup: str) -> Iterator[None]:
    """Inside, everything in these directories and this cgroup is cleared up when the process ends; afterwards it is.

    Blocks; raises what ``enter`` does.
    """
    entry, token = register.enter(root, state, runtime_root, cgroup)
    try:
        with _watched(entry, token):
            try:
                yield
            finally:
                register.leave(entry, token)
    except BaseException:
        register.leave(entry, token)  # also when there was no watcher
        raise


@contextlib.contextmanager
def _watched(entry: Path, token: str) -> Iterator[None]:
    """With a watcher, which has begun. It is a child of this process, in a session of its own: what is sent to our group is not for it."""
    myself = os.pidfd_open(os.getpid())
    try:
        watcher = subprocess.Popen(
            [_python(), "-I", "-S", str(_WATCHER), str(myself), str(entry), token, json.dumps(_path())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(myself,),
            start_new_session=True,
            bufsize=0,
        )
    finally:
        os.close(myself)
    assert watcher.stdin is not None
    assert watcher.stdout is not None
    with watcher.stdin as stdin, watcher.stdout as stdout:
        try:
            if stdout.read(1) != b"!":
                raise errors.Unsupported(f"ephemeral: the watcher does not start: {_python()} {_WATCHER}")
            yield
        finally:
            with contextlib.suppress(BrokenPipeError):  # it was killed
                stdin.write(b"!")
            watcher.wait()


def _python() -> str:
    """An interpreter; the host program need not be one."""
    found = sys.executable or shutil.which("python3")
    if not found:
        raise errors.Unsupported("ephemeral: needs a Python interpreter on PATH for the watcher")
    return found


def _path() -> list[str]:
    """Where the watcher finds this package and the runtime, also where an import hook has found them for us."""
    homes = (Path(__file__).parents[2], Path(pyrunc.__file__).parents[1])
    return [*(entry for entry in sys.path if entry), *map(str, homes)]
