"""Every task of this repository: ``python3 noxfile.py -s NAME`` needs nothing but Python and does its own set-up.

When nox is not importable, a virtual environment is made beside this file and this file runs again in it. System packages
that are missing are installed through apt where that may be done (root and apt-get), otherwise they are named in one line.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
BOOTSTRAP = ROOT / ".nox-bootstrap"
LAYERS = ("runtime", "supervisor", "daemon", "client")

# System packages by purpose: what has to be there -> the Debian package that brings it. A name with a slash is a file.
BUILD = {
    "gcc": "gcc",
    "/usr/include/stdio.h": "libc6-dev",
    f"/usr/include/python{sys.version_info[0]}.{sys.version_info[1]}/Python.h": "python3-dev",
}
VENV = {"ensurepip": "python3-venv"}
PEERS = {
    "busybox": "busybox-static",
    "debootstrap": "debootstrap",
    "runc": "runc",
    "crun": "crun",
    "docker": "docker.io",
    "dockerd": "docker.io",
    "containerd": "containerd",
    "skopeo": "skopeo",
    "ip": "iproute2",
    "git": "git",
}


def present(need: str) -> bool:
    """Tell whether a command is on PATH, a file exists, or (``ensurepip``) venv works."""
    if need == "ensurepip":
        return importlib.util.find_spec("ensurepip") is not None and importlib.util.find_spec("venv") is not None
    if need.startswith("/"):
        own_headers = Path(sys.base_prefix, "include", f"python{sys.version_info[0]}.{sys.version_info[1]}", "Python.h")
        return Path(need).exists() or (need.endswith("Python.h") and own_headers.exists())
    return shutil.which(need) is not None


def system_packages(needs: dict[str, str]) -> None:
    """Install what is missing of ``needs``, or end with the one line that names it."""
    missing = sorted({package for need, package in needs.items() if not present(need)})
    if not missing:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit(f"missing system packages: install {' '.join(missing)} (as root: {' '.join(command)})")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], env=quiet, stdout=subprocess.DEVNULL, check=True)
    subprocess.run(command, env=quiet, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)


def bootstrap() -> None:
    """Make the environment that holds nox, once, and become nox in it."""
    python = BOOTSTRAP / "bin" / "python"
    if importlib.util.find_spec("nox") is None and Path(sys.prefix) != BOOTSTRAP:
        system_packages({**VENV, **BUILD})
        if not (BOOTSTRAP / "bin" / "nox").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(BOOTSTRAP)], check=True)
            subprocess.run([str(python), "-m", "pip", "install", "-q", "nox>=2025.2.9"], check=True)
        os.execv(python, [str(python), "-m", "nox", "-f", str(ROOT / "noxfile.py"), *sys.argv[1:]])
    os.execv(sys.executable, [sys.executable, "-m", "nox", "-f", str(ROOT / "noxfile.py"), *sys.argv[1:]])


if __name__ == "__main__":
    bootstrap()

import nox  # noqa: E402  (only importable after the bootstrap)

nox.options.sessions = ["tests"]
nox.options.reuse_existing_virtualenvs = True


def layers() -> list[str]:
    """The packages' directories, lowest layer first."""
    return [f"packages/{layer}" for layer in LAYERS if (ROOT / "packages" / layer / "pyproject.toml").exists()]


def install(session: nox.Session, *groups: str) -> None:
    """Install the packages as a user gets them (not editable), and the dependency groups of pyproject.toml."""
    system_packages(BUILD)
    for group in groups:
        session.install("-q", *nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), group))
    session.install("-q", *(f"./{layer}" for layer in layers()))


def check(session: nox.Session) -> None:
    """Style, types and import contracts."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports", "--no-cache")


@nox.session
def tests(session: nox.Session) -> None:
    """All checks, then all tests. Arguments go to pytest."""
    system_packages({**BUILD, **PEERS})
    install(session, "check", "test")
    check(session)
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """The checks alone."""
    install(session, "check", "test")
    check(session)


@nox.session
def demo(session: nox.Session) -> None:
    """Run one container, through all four layers, on the copy-on-write view of this machine's own root."""
    install(session)
    session.run("python", "tests/support/demo.py")


@nox.session
def wheels(session: nox.Session) -> None:
    """Build the wheels, and insist that the runtime's works on every later Python."""
    session.install("-q", "build")
    out = Path(session.create_tmp())
    for layer in layers():
        session.run("python", "-m", "build", "-q", "--wheel", "--outdir", str(out), layer)
    if not list(out.glob("pyrunc-*-cp311-abi3-linux_*.whl")):
        session.error(f"no abi3 wheel of the runtime in {out}")
