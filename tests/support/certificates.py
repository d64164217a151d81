"""A private authority, and certificates of its making, by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from attrs import frozen

_NEW: Final = [
    *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
    *("-nodes", "-days", "2"),
]


@frozen
class Pair:
    """A certificate and its key."""

    certificate: Path
    key: Path


@frozen
class CertificateAuthority:
    """Make it with ``made``; its directory holds everything that it makes."""

    directory: Path

    @property
    def certificate(self) -> Path:
        """Its own."""
        return self.directory / "ca.pem"

    @classmethod
    def made(cls, directory: Path) -> CertificateAuthority:
        """In ``directory``, which is made."""
        directory.mkdir(parents=True)
        _run([*_NEW, "-subj", "/CN=tests", "-keyout", "ca-key.pem", "-out", "ca.pem"], directory)
        return cls(directory)

    def issue(self, name: str, *, server: bool = False) -> Pair:
        """For a client of that common name, or a server at 127.0.0.1 and localhost."""
        usage = "extendedKeyUsage=serverAuth" if server else "extendedKeyUsage=clientAuth"
        names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"] if server else []
        signed = ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-addext", "basicConstraints=CA:FALSE", "-addext", usage]
        pair = Pair(self.directory / f"{name}.pem", self.directory / f"{name}-key.pem")
        files = ["-keyout", str(pair.key), "-out", str(pair.certificate)]
        _run([*_NEW, *signed, *names, "-subj", f"/CN={name}", *files], self.directory)
        return pair


def _run(command: list[str], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
