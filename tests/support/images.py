"""Root file systems for tests: busybox, made on the spot, and Debian, made once by debootstrap and kept."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.run import RUN

DEBIAN_SUITE: Final = "bookworm"
DEBIAN_PACKAGES: Final = ("python3-minimal", "python3", "gcc", "libc6-dev")
_PASSWD: Final = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/:/bin/false\n"


def busybox_rootfs(root: Path) -> Path:
    """Fill ``root`` with Debian's static busybox, a link for each applet, and the accounts root and daemon."""
    for name in ("bin", "tmp", "etc", "root", "proc", "sys", "dev"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc/passwd").write_text(_PASSWD)
    (root / "etc/group").write_text("root:x:0:\ndaemon:x:1:\n")
    busybox = shutil.which("busybox")
    assert busybox, "install busybox-static"
    shutil.copy(busybox, root / "bin/busybox")
    for applet in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("busybox")
    return root


def archive(root: Path, target: Path) -> Path:
    """Put the tree ``root`` into the tar ``target``; the kernel's file systems and devices stay out."""
    excluded = [f"--exclude=./{name}/*" for name in ("proc", "sys", "dev")]
    subprocess.run(["tar", "--numeric-owner", "-C", str(root), *excluded, "-cf", str(target), "."], check=True)
    return target


def debian_mirror(suite: str = DEBIAN_SUITE) -> str:
    """The mirror of this machine: the one that apt takes its Debian packages from."""
    said = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN)\t$(REPO_URI)\t$(CODENAME)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    fields = [line.split("\t") for line in said]
    for origin, address, codename in fields:
        if origin == "Debian" and codename == suite:
            return address
    for origin, address, codename in fields:  # another Debian: its mirror has the other suites too
        if origin == "Debian" and "-" not in codename:
            return address
    raise LookupError(f"apt knows no Debian mirror to make {suite} from: add one to its sources")


def debootstrap(root: Path, packages: tuple[str, ...] = DEBIAN_PACKAGES, suite: str = DEBIAN_SUITE) -> None:
    """Make a minimal Debian with ``packages`` in the directory ``root``."""
    included = ["--include", ",".join(packages)] if packages else []
    command = ["debootstrap", "--variant=minbase", *included, suite, str(root), debian_mirror(suite)]
    made = subprocess.run(
        RUN.with_network(command), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, f"{' '.join(command)}:\n{made.stdout[-4000:]}{made.stderr}"


def cache_directory() -> Path:
    """Where this user's test runs keep what takes long to make."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "pyrunc-tests"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def cached_debian_tar(packages: tuple[str, ...] = DEBIAN_PACKAGES) -> Path:
    """A tar of Debian with ``packages``, from the cache of this user's test runs or made now (a minute or two)."""
    cache = cache_directory()
    key = hashlib.sha256(" ".join((DEBIAN_SUITE, *sorted(packages))).encode()).hexdigest()[:16]
    kept = cache / f"{DEBIAN_SUITE}-{key}.tar"
    with locked(cache / f"{kept.name}.lock"):
        if not kept.exists():
            _make_debian_tar(kept, packages)
    return kept


def _make_debian_tar(kept: Path, packages: tuple[str, ...]) -> None:
    # In the cache's directory: the tar appears there whole, by a rename, or not at all.
    with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
        root = Path(scratch, "root")
        debootstrap(root, packages)
        shutil.rmtree(root / "var/cache/apt/archives")
        archive(root, Path(scratch, "tar")).rename(kept)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Alone among all runs on this machine: who comes second finds what the first has made."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
