"""Bind mounts of what another process sees, ``/proc/PID/root/...``: its mounts are in another namespace, and its symlinks are its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

import pyrunc
from pyrunc import Mount, Runtime, Spec, Stdio
from tests.runtime.conftest import Bundle, Outcome


def seeing(spec: Spec, pid: int, path: str, target: str = "/mnt") -> Spec:
    bind = Mount(destination=target, type="bind", source=f"/proc/{pid}/root{path}", options=("rbind",))
    return evolve(spec, mounts=(*spec.mounts, bind))


def test_a_mount_of_another_container_is_shared(
    runtime: Runtime, outcome: Callable[..., Outcome], bundle: Bundle, own_root: Path
) -> None:
    """docker run --ipc container:X: /dev/shm is the other one's, a tmpfs that is mounted in its namespace alone."""
    other = runtime.create(
        "other", bundle.path, spec=bundle.spec("echo inside >/dev/shm/file; sleep 60"), stdio=Stdio.null()
    )
    other.start()
    spec = seeing(
        bundle.spec("until cat /tmp/file; do :; done 2>/dev/null; echo x >/tmp/answer"), other.pid, "/dev/shm", "/tmp"
    )
    assert outcome(spec)[:2] == (0, "inside\n")
    assert Path(f"/proc/{other.pid}/root/dev/shm/answer").read_text() == "x\n"
    other.delete(force=True)


@pytest.mark.parametrize("link", ["/secret", "../../../../../../../secret", "/proc/1/root/secret"])
def test_a_symlink_of_another_container_stays_inside_it(
    runtime: Runtime, outcome: Callable[..., Outcome], bundle: Bundle, own_root: Path, tmp_path: Path, link: str
) -> None:
    """Looked up by the caller, it would lead to the host: any of its directories, writable, in the next container."""
    host = tmp_path / "secret"
    host.mkdir()
    (host / "file").touch()
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "shm").symlink_to(link if link != "/secret" else host)
    volume = Mount(destination="/mnt", type="bind", source=str(shared), options=("rbind",))
    (own_root / "mnt").mkdir()
    spec = bundle.spec("sleep", "60").with_root(own_root)
    other = runtime.create("other", bundle.path, spec=evolve(spec, mounts=(*spec.mounts, volume)), stdio=Stdio.null())
    assert link != "/secret" or Path(f"/proc/{other.pid}/root/mnt/shm/file").exists(), (
        "the attack, by the caller's eyes"
    )
    with pytest.raises(pyrunc.SpecError, match=r"mounts\[\d+\]: bind /mnt/shm: (ENOENT|ELOOP)"):
        outcome(seeing(bundle.spec("ls /tmp"), other.pid, "/mnt/shm", "/tmp"))
    other.delete(force=True)


def test_a_process_that_has_ended_shows_nothing(outcome: Callable[..., Outcome], bundle: Bundle) -> None:
    with pytest.raises(pyrunc.SpecError, match="the files of process 4194304 cannot be reached"):
        outcome(seeing(bundle.spec("true"), 1 << 22, "/dev/shm", "/tmp"))
