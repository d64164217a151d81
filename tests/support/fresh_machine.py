"""Proof that the README's two commands work on a Debian that has Python and nothing else: ``nox -s fresh``.

A minimal Debian is made by debootstrap and gets a clean clone of this repository. The two commands run in it one after the
other, in namespaces of their own: what they mount or start ends with them. The network is this machine's, and so is how apt
and pip reach their servers. Everything is removed in the end, and that nothing is left is part of the proof.

It needs no package, because it runs before there are any.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.images import debootstrap
from tests.support.run import MARKER

REPOSITORY: Final = Path(__file__).resolve().parents[2]
WORKTREE: Final = "/srv/pyrunc"
REFERENCE: Final = REPOSITORY.parent / "shared" / "reference"
"""Documents that the API and the specifications are checked against. Where they are at hand here, they are there."""
RUN_NAME: Final = uuid.uuid4().hex
CERTIFICATES: Final = "/etc/fresh-machine-certificates.pem"
QUICK: Final = ("tests/runtime/spec", "tests/runtime/native", "tests/e2e/test_first_command.py")
"""Some of all that the tests need: the compiler with its sanitizers, and containers. Arguments replace it."""

_CERTIFICATE_VARIABLES: Final = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_PROXY_VARIABLES: Final = ("http_proxy", "https_proxy", "no_proxy")


class ProofFailed(Exception):  # noqa: N818 - the proof is what failed
    """A command ended otherwise than the README says, or left something behind."""


def main(suite: str, tests: list[str]) -> None:
    """Prove it for one suite. Raises ProofFailed."""
    with _debian(suite) as root:
        _furnish(root)
        said = _run(root, ["python3", "noxfile.py", "-s", "demo"])
        if "42" not in said.splitlines():
            raise ProofFailed("the demo did not print 42")
        said = _run(root, ["python3", "noxfile.py", "-s", "tests", "--", *(tests or QUICK)])
        if " passed" not in said or " failed" in said:
            raise ProofFailed("the tests did not end with pytest's line of what passed")
    if left := [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/*{RUN_NAME[:11]}*")]:
        raise ProofFailed(f"cgroups are left: {' '.join(left)}")
    print(f"both commands work on a fresh {suite}")


@contextmanager
def _debian(suite: str) -> Iterator[Path]:
    """The root of a minimal Debian with python3; removed in the end."""
    scratch = Path(tempfile.mkdtemp(prefix="fresh."))
    try:
        print(f"making a minimal {suite} …", flush=True)
        debootstrap(scratch / "root", ("python3",), suite)
        yield scratch / "root"
    finally:
        if f" {scratch}/" in Path("/proc/self/mountinfo").read_text(errors="surrogateescape"):
            raise ProofFailed(f"something is mounted below {scratch}: it stays")
        shutil.rmtree(scratch)


def _furnish(root: Path) -> None:
    """The repository as it is committed, what its tests look for beside it, and this machine's way to the network."""
    clone = ["git", "clone", "--quiet", f"file://{REPOSITORY}", f"{root}{WORKTREE}"]
    subprocess.run(clone, check=True)
    if REFERENCE.is_dir():
        shutil.copytree(REFERENCE, f"{root}{os.path.dirname(WORKTREE)}/shared/reference")
    for name in ("/etc/resolv.conf", "/etc/hosts"):
        shutil.copyfile(name, f"{root}{name}")
    if Path("/etc/pip.conf").exists():
        shutil.copyfile("/etc/pip.conf", root / "etc/pip.conf")
    if certificates := _certificates():
        shutil.copyfile(certificates, f"{root}{CERTIFICATES}")
    acquire = ["apt-config", "dump", "--format", '%F "%v";%n', "Acquire"]
    settings = subprocess.run(acquire, capture_output=True, text=True, check=True).stdout
    (root / "etc/apt/apt.conf.d/90acquire").write_text(settings)
    # The network is the machine's: dockerd, which the tests install, must not be started by its package and rearrange it.
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)


def _certificates() -> str | None:
    """The file with the certificates that this machine trusts, where it names one."""
    named = (os.environ.get(name, "") for name in _CERTIFICATE_VARIABLES)
    return next((file for file in named if os.path.isfile(file)), None)


def _environment() -> dict[str, str]:
    """What a new login has, and how to reach the package servers."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.lower() in _PROXY_VARIABLES or (name.startswith("PIP_") and not os.path.exists(value))
    }
    certificates = dict.fromkeys(_CERTIFICATE_VARIABLES, CERTIFICATES) if _certificates() else {}
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {**kept, **certificates, "PATH": path, "HOME": "/root", "LANG": "C.UTF-8", MARKER: RUN_NAME}


def _run(root: Path, command: list[str]) -> str:
    """Run the command in the root, showing its output as it comes; returns it. Raises ProofFailed."""
    print(f"$ {' '.join(command)}", flush=True)
    # By the file, not as a module: it also runs where this directory is no longer to be seen.
    enter = [sys.executable, str(Path(__file__).with_name("fresh_machine_root.py")), str(root), WORKTREE]
    own = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--propagation", "private"]
    lines = []
    with subprocess.Popen(
        [*own, *enter, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=_environment(),
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
                lines.append(line)
        except BaseException:
            process.kill()  # unshare(1) ignores other signals; with it goes everything in its pid namespace
            raise
    if process.returncode != 0:
        raise ProofFailed(f"{' '.join(command)} ended with exit code {process.returncode}")
    return "".join(lines)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that everything is removed then, too
    try:
        main(sys.argv[1], sys.argv[2:])
    except ProofFailed as failure:
        sys.exit(f"{sys.argv[1]}: {failure}")
