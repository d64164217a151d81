"""User namespaces that nobody lives in: what an idmapped mount takes its map of owners from (mount_setattr(2))."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from pycontainerd.errors import Unsupported
from pyrunc import IdMapping

_WAIT = ("unshare", "--user", "sh", "-c", "echo; exec cat")
"""A namespace needs somebody to be made by: this one says a line when he is in it, and lives until his input ends."""


@contextlib.contextmanager
def user_namespace(uids: Sequence[IdMapping], gids: Sequence[IdMapping]) -> Iterator[int]:
    """A descriptor of a user namespace with these maps, for ``detached(…, ids=…)``. Unsupported where there can be none; OSError for bad maps."""
    with subprocess.Popen(_WAIT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as living:
        assert living.stdin is not None
        assert living.stdout is not None
        assert living.stderr is not None
        try:
            if not living.stdout.readline():
                raise Unsupported(f"ids: no user namespace: {living.stderr.read().decode(errors='replace').strip()}")
            process = Path(f"/proc/{living.pid}")
            for name, maps in (("uid_map", uids), ("gid_map", gids)):
                (process / name).write_text("".join(f"{m.container_id} {m.host_id} {m.size}\n" for m in maps))
            namespace = os.open(process / "ns/user", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            living.stdin.close()
    try:
        yield namespace
    finally:
        os.close(namespace)
