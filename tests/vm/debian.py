"""The machine's kernel, its first file system and its root disk: made of Debian packages once, and kept.

They hold nothing of this project. Its checkout and its Python packages are on a second disk (``payload``), so that they can change
without making a Debian anew.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from attrs import frozen

from tests.support.images import cache_directory, debootstrap, locked
from tests.vm import modules

SUITE: Final = "bookworm"
PACKAGES: Final = (
    *("linux-image-cloud-amd64", "kmod", "systemd", "systemd-sysv", "dbus", "apparmor"),  # a machine
    *("python3", "busybox-static", "libseccomp2", "procps"),  # what the packages and their tests need
    *("gcc", "libc6-dev"),  # the C core is tested from its sources
    *("iproute2", "nftables", "uidmap"),  # networks and mapped users
    *("runc", "crun", "criu"),  # the peers
)
INITRAMFS_SCRIPT: Final = Path(__file__).with_name("guest") / "initramfs.sh"
DISK_SIZE: Final = "6G"
"""Sparse. Room for what tests write."""

_LAYOUT: Final = "2"
"""To be raised when what is made of the same packages changes."""
_UNREAD: Final = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists")
"""Directories that are emptied."""


@frozen
class Machine:
    """The files that qemu boots. Not to be written to."""

    kernel: Path
    initramfs: Path
    disk: Path


def cached() -> Machine:
    """The machine's files from the user's cache, or made now (five to eight minutes)."""
    script = INITRAMFS_SCRIPT.read_text()
    identity = "\n".join((_LAYOUT, SUITE, DISK_SIZE, *sorted(PACKAGES), script))
    kept = cache_directory() / f"vm-{SUITE}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    with locked(kept.with_suffix(".lock")):
        if not kept.exists():
            _make(kept)
    return Machine(kept / "vmlinuz", kept / "initramfs", kept / "root.ext4")


def _make(kept: Path) -> None:
    # In the cache's directory: all files appear there together, by a rename, or not at all.
    with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
        root, made = Path(scratch, "root"), Path(scratch, "made")
        made.mkdir()
        print(f"making a {SUITE} with {' '.join(PACKAGES)} …", flush=True)
        debootstrap(root, PACKAGES, SUITE)
        for place in _UNREAD:
            shutil.rmtree(root / place)
            (root / place).mkdir()
        (kernel,) = (root / "boot").glob("vmlinuz-*")
        shutil.copyfile(kernel, made / "vmlinuz")
        (versions,) = (root / "lib/modules").iterdir()
        initramfs(made / "initramfs", modules.ordered(versions), root / "bin/busybox")
        file_system(made / "root.ext4", root, DISK_SIZE)
        made.rename(kept)


def initramfs(target: Path, inserted: list[Path], busybox: Path) -> None:
    """Write a first file system of busybox, a script and modules, which are numbered in the order to insert them in."""
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        root = Path(scratch)
        for name in ("bin", "modules", "proc", "sys", "dev", "root"):
            (root / name).mkdir()
        shutil.copy(busybox, root / "bin/busybox")
        shutil.copyfile(INITRAMFS_SCRIPT, root / "init")
        (root / "init").chmod(0o755)
        for number, module in enumerate(inserted):
            shutil.copyfile(module, root / "modules" / f"{number:02}-{module.name}")
        names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
        with target.open("wb") as archive:
            packing = [str(busybox), "cpio", "-o", "-H", "newc"]
            subprocess.run(
                packing, cwd=root, input=names.encode(), stdout=archive, stderr=subprocess.DEVNULL, check=True
            )


def file_system(target: Path, tree: Path, size: str) -> None:
    """Make an ext4 of the directory ``tree`` in the file ``target``; nothing is mounted for it."""
    # Its journal would guard what is thrown away when the machine ends.
    making = ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", str(tree), str(target), size]
    made = subprocess.run(making, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert made.returncode == 0, f"{' '.join(making)}:\n{made.stdout}{made.stderr}"
