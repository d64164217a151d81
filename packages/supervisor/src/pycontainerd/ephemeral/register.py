"""The entries of ephemeral supervisors: what each has, and whose it is."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from pycontainerd.ephemeral.clearing import clear, missing_parents
from pycontainerd.errors import InvalidConfig, StoreInUse, Unsupported

REGISTER = Path("/run/pycontainerd-ephemeral")
"""On a tmpfs: after a restart of the machine only directories are left, and those are in a directory for temporary files by default."""

_logger = logging.getLogger(__name__)


def enter(root: Path, state: Path, runtime_root: Path, cgroup: str) -> tuple[Path, str]:
    """Write the entry of this process's supervisor before anything else of it exists, and clear up after others that are gone. Returns
    the entry and its token: entries are named after their directories, and so can be those of several, one after the other.

    Raises StoreInUse; InvalidConfig for a directory that holds something already, because it would be deleted; Unsupported without root; OSError.
    """
    try:
        REGISTER.mkdir(mode=0o700, exist_ok=True)
    except PermissionError as error:
        raise Unsupported(f"{REGISTER}: {error.strerror}: containers need root") from error
    sweep()
    entry = REGISTER / f"{hashlib.sha256(os.fsencode(root)).hexdigest()[:32]}.json"
    if entry.exists():
        raise StoreInUse(f"{root}: another ephemeral supervisor has it open; choose another directory")
    directories = [(str(path), _kept(path)) for path in dict.fromkeys((root, state, runtime_root))]
    token = os.urandom(8).hex()
    said = {
        "token": token,
        "owner": os.getpid(),
        "since": _start_of(os.getpid()),
        "runtime_root": str(runtime_root),
        "cgroup": cgroup,
        "cgroup_parents": missing_parents(cgroup),
        "directories": directories,
    }
    _publish(entry, json.dumps(said))
    return entry, token


def sweep() -> None:
    """Clear up after the supervisors whose program has ended without anybody doing so."""
    for entry in REGISTER.glob("*.json"):
        token = _abandoned(entry)
        if token is not None:
            _logger.warning(
                "clearing up after an ephemeral supervisor whose program and watcher were killed: %s", entry
            )
            leave(entry, token)


def leave(entry: Path, token: str) -> None:
    """Clear up; what cannot be is logged, and tried again by the next supervisor."""
    failures: Sequence[str]
    try:
        failures = clear(entry, token)
    except (OSError, ValueError, KeyError, TypeError) as error:
        failures = [str(error)]
    for failure in failures:
        _logger.error("%s: not cleared up: %s", entry, failure)


def _kept(directory: Path) -> bool:
    """Whether the directory is there, and so is the caller's to delete. It must be empty."""
    try:
        if os.listdir(directory):
            rule = "is not empty, and an ephemeral supervisor deletes what is in it: give an empty directory, or none"
            raise InvalidConfig("root", f"{directory} {rule}")
    except FileNotFoundError:
        return False
    return True


def _publish(entry: Path, text: str) -> None:
    """Whole or not at all, and by one only."""
    draft = entry.with_name(f".{entry.stem}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    try:
        os.link(draft, entry)
    except FileExistsError:
        raise StoreInUse(f"{entry}: another supervisor has just been opened on the same directory") from None
    finally:
        draft.unlink()


def _abandoned(entry: Path) -> str | None:
    """The token of an entry whose owner has ended. Pids are used again, a pid and the moment of its start are not."""
    try:
        said = json.loads(entry.read_text(encoding="utf-8"))
        token, owner, since = str(said["token"]), said["owner"], said["since"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):  # nobody's, and `leave` will say so
        return ""
    try:
        return None if _start_of(owner) == since else token
    except FileNotFoundError:
        return token


def _start_of(pid: int) -> int:
    """When the process began, in the kernel's ticks (proc_pid_stat(5)). FileNotFoundError when there is none."""
    with contextlib.suppress(ProcessLookupError):
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        if fields[0] not in {b"Z", b"X"}:
            return int(fields[19])
    raise FileNotFoundError(f"process {pid} has ended")
