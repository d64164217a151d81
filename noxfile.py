"""Every task of this repository: ``python3 noxfile.py -s NAME`` needs nothing but Python and does its own set-up.

When nox is not importable, a virtual environment is made beside this file and this file runs again in it. System packages
that are missing are installed through apt where that may be done (root and apt-get), otherwise they are named in one line.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
BOOTSTRAP = ROOT / ".nox-bootstrap"
LAYERS = ("runtime", "supervisor", "daemon", "client")


def debian_release() -> int:
    """The number of this Debian; 0 where os-release(5) tells none."""
    with contextlib.suppress(OSError):
        version = platform.freedesktop_os_release().get("VERSION_ID", "")
        return int(version.partition(".")[0]) if version[:1].isdigit() else 0
    return 0


# System packages by purpose: what has to be there -> the Debian package that brings it. See `present` for the names.
BUILD = {
    "gcc": "gcc",
    "/usr/include/stdio.h": "libc6-dev",
    f"/usr/include/python{sys.version_info[0]}.{sys.version_info[1]}/Python.h": "python3-dev",
}
VENV = {"ensurepip": "python3-venv"}
RUN = {
    "libseccomp.so.2": "libseccomp2",
    "ps": "procps",  # docker top
    "libnftables.so.1": "libnftables1",  # bridge networks
}
PEERS = {
    "busybox": "busybox-static",
    "debootstrap": "debootstrap",
    "runc": "runc",
    "crun": "crun",
    "docker": "docker-cli" if debian_release() >= 13 else "docker.io",  # a package of its own since Debian 13
    "dockerd": "docker.io",
    "/usr/bin/docker-compose": "docker-compose",  # version 1.29 in Debian 12: in Python, on docker-py
    "containerd": "containerd",
    "podman": "podman",
    "conmon": "conmon",
    "skopeo": "skopeo",
    "umoci": "umoci",
    "docker-registry": "docker-registry",
    "strace": "strace",  # counts the system calls of a container
    "ip": "iproute2",
    "git": "git",
    "curl": "curl",
    "npm": "npm",  # fetches dockerode, and brings node
    "nft": "nftables",  # faults of networks
    "bzip2": "bzip2",  # contexts of builds
    "xz": "xz-utils",
    "zstd": "zstd",
    "mkfs.btrfs": "btrfs-progs",  # forkable containers
    "mkfs.ext4": "e2fsprogs",
    "mkfs.xfs": "xfsprogs",  # copies that share blocks
}

MACHINE = {
    "qemu-system-x86_64": "qemu-system-x86",
    "mke2fs": "e2fsprogs",
    "setpriv": "util-linux",
    "debootstrap": "debootstrap",
    "git": "git",
}


def present(need: str) -> bool:
    """Tell whether a command is on PATH, a file (``/``) exists, a library (``.so``) loads, or (``ensurepip``) venv works."""
    if ".so." in need:
        with contextlib.suppress(OSError):
            return bool(ctypes.CDLL(need))
        return False
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


def bootstrap() -> int:
    """Make the environment that holds nox, once, and run nox in it on this file. Returns nox's exit code."""
    python = sys.executable
    if importlib.util.find_spec("nox") is None:
        system_packages({**VENV, **BUILD})
        python = str(BOOTSTRAP / "bin" / "python")
        if not (BOOTSTRAP / "bin" / "nox").exists() or not Path(python).exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(BOOTSTRAP)], check=True)
            subprocess.run([python, "-m", "pip", "install", "-q", "nox>=2025.2.9"], check=True)
    return subprocess.run([python, "-m", "nox", "-f", str(ROOT / "noxfile.py"), *sys.argv[1:]]).returncode


if __name__ == "__main__":
    sys.exit(bootstrap())

import nox  # noqa: E402  (only importable after the bootstrap)

nox.options.sessions = ["tests"]
nox.options.reuse_existing_virtualenvs = True

DISTRIBUTION_PYTHON = "/usr/bin/python3"


def layers() -> list[str]:
    """The packages' directories, lowest layer first."""
    return [f"packages/{layer}" for layer in LAYERS if (ROOT / "packages" / layer / "pyproject.toml").exists()]


def install(session: nox.Session, *groups: str) -> None:
    """Install the packages as a user gets them (not editable), and the dependency groups of pyproject.toml."""
    system_packages({**BUILD, **RUN})
    for group in groups:
        session.install("-q", *nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), group))
    forget_builds()
    session.install("-q", *(f"./{layer}" for layer in layers()))


def forget_builds() -> None:
    """Remove what setuptools keeps from build to build: a module that was renamed since would be packed with its old name, too."""
    for layer in layers():
        shutil.rmtree(ROOT / layer / "build", ignore_errors=True)


CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports", "--no-cache"),
)
"""Style, types and import contracts."""


def failing(session: nox.Session) -> list[str]:
    """Run all checks, also after one has failed; the commands that did."""
    failed = []
    for command in CHECKS:
        try:
            session.run(*command)
        except nox.command.CommandFailed:
            failed.append(" ".join(command))
    return failed


@nox.session
def tests(session: nox.Session) -> None:
    """All checks, then all tests, by two workers. Arguments go to pytest: ``-- -n0 PATH`` runs one file in one process."""
    system_packages({**BUILD, **RUN, **PEERS})
    install(session, "check", "test")
    failed = failing(session)
    session.run("pytest", "-n2", "--dist=worksteal", *session.posargs)
    if failed:
        session.error(f"the tests passed, but not: {', '.join(failed)}")


@nox.session
def lint(session: nox.Session) -> None:
    """The checks alone."""
    install(session, "check", "test")
    if failed := failing(session):
        session.error(f"failed: {', '.join(failed)}")


@nox.session
def demo(session: nox.Session) -> None:
    """Run one container, through all four layers, on the copy-on-write view of this machine's own root."""
    install(session)
    session.run("python", "-m", "tests.support.demo")


@nox.session(venv_backend="none")
@nox.parametrize("suite", ["bookworm", "trixie"])
def fresh(session: nox.Session, suite: str) -> None:
    """Prove the README's two commands on a Debian that has Python and nothing else, made for that by debootstrap."""
    system_packages({"debootstrap": "debootstrap", "git": "git", "unshare": "util-linux"})
    session.run(sys.executable, "-m", "tests.support.fresh_machine", suite, *session.posargs)


@nox.session
def killed(session: nox.Session) -> None:
    """Kill a supervisor at 300 random moments, and a daemon; see docs/supervisor/recovery.md. An argument is the number for each operation."""
    system_packages({**BUILD, **RUN, **PEERS})
    install(session, "test")
    rounds = session.posargs[0] if session.posargs else "25"
    tests = (
        "tests/supervisor/test_killed.py",
        "tests/supervisor/registry/test_killed.py",
        "tests/daemon/volumes/test_killed.py",
        "tests/daemon/network/test_killed.py",
        "tests/daemon/builder/test_killed.py",
    )
    session.run("pytest", "-rP", *tests, env={"PYCONTAINERD_ROUNDS": rounds, "PYDOCKERD_ROUNDS": rounds})


@nox.session
def endurance(session: nox.Session) -> None:
    """A thousand execs in a row, and four times all else that is done many times: see tests/peers/test_endurance.py. An argument is another factor."""
    system_packages({**BUILD, **RUN, **PEERS})
    install(session, "test")
    factor = session.posargs[0] if session.posargs else "4"
    tests = ("tests/peers/test_endurance.py", "tests/daemon/network/test_endurance.py")
    session.run("pytest", "-rP", *tests, env={"PYDOCKERD_ENDURANCE": factor})


@nox.session(python="3.11")  # the machine's own, see tests/vm/payload.py
def vm(session: nox.Session) -> None:
    """The runtime's and the supervisor's tests in virtual machines: cgroup v2, without and with systemd. See docs/vm.md."""
    system_packages({**BUILD, **RUN, **MACHINE})
    install(session, "test")
    session.run("python", "-m", "tests.vm", *session.posargs)


@nox.session(python=DISTRIBUTION_PYTHON if os.access(DISTRIBUTION_PYTHON, os.X_OK) else None)
def bench(session: nox.Session) -> None:
    """Measure beside the installed peers. Arguments name benchmarks; see benchmarks/README.md.

    By the distribution's Python, as the peers are the distribution's: other builds of the same version take a quarter longer.
    """
    system_packages({**BUILD, **RUN, **PEERS})
    install(session)
    session.run("python", "-m", "benchmarks", *session.posargs)
    if not session.posargs:
        for apart in ("crowd", "weights", "scale"):
            session.run("python", "-m", f"benchmarks.{apart}")


@nox.session
def wheels(session: nox.Session) -> None:
    """Build the wheels, insist that the runtime's serves every later Python, and install each layer alone."""
    session.install("-q", "build", "abi3audit")
    forget_builds()
    out = Path(session.create_tmp(), "wheels")
    shutil.rmtree(out, ignore_errors=True)
    for layer in layers():
        session.run("python", "-m", "build", "-q", "--wheel", "--outdir", str(out), layer)
    runtime = sorted(out.glob("pyrunc-*-cp311-abi3-linux_*.whl"))
    if len(runtime) != 1:
        session.error(f"no abi3 wheel of the runtime in {out}")
    session.run("abi3audit", "--strict", str(runtime[0]))
    for number, layer in enumerate(layers(), 1):
        install_alone(session, sys.executable, [f"./{below}" for below in layers()[:number] if needed(below, layer)])
    later = later_pythons()
    if not later:
        session.warn("no later Python on this machine: the wheels were checked by abi3audit only")
    for python in later:
        install_alone(session, python, sorted(str(wheel) for wheel in out.glob("*.whl")))


def needed(below: str, layer: str) -> bool:
    """The client needs itself only; each other layer needs all those below it."""
    return below == layer or layer != "packages/client"


def install_alone(session: nox.Session, python: str, packages: list[str]) -> None:
    """Install ``packages``, and nothing of ours beside them, into a fresh environment of ``python``; start what they bring."""
    home = Path(session.create_tmp(), "alone")
    session.run(python, "-m", "venv", "--clear", str(home), external=True)
    session.run(str(home / "bin/python"), "-m", "pip", "install", "-q", *packages, external=True)
    session.run(str(home / "bin/python"), "-c", SMOKE, external=True, env={"PYTHONPATH": ""})
    for command in ("pyrunc", "pydockerd", "pyctl"):
        if (home / "bin" / command).exists():
            session.run(str(home / "bin" / command), "--help", external=True, silent=True)


SMOKE = """
import importlib, importlib.util
for name in ("pyrunc._native", "pyrunc", "pycontainerd", "pydockerd", "pyctl"):
    if importlib.util.find_spec(name.partition(".")[0]):
        print("imported", importlib.import_module(name).__name__)
"""


def later_pythons() -> list[str]:
    """Interpreters newer than this one that can make environments: from PATH, and pyenv's."""
    names = [f"python3.{minor}" for minor in range(sys.version_info[1] + 1, 20)]
    found = [shutil.which(name) or "" for name in names]
    found += [str(path) for name in names for path in Path("~/.pyenv/versions").expanduser().glob(f"*/bin/{name}")]
    return [path for path in found if path and works(path)]


def works(python: str) -> bool:
    """Tell whether the interpreter starts (pyenv leaves names on PATH that do not) and has venv."""
    return subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True).returncode == 0
