"""Partial ingests, each under a reference: found again after a restart, and removed when nobody came back for them.

The directory holds two files for each, under the digest of the reference: ``HEX``, the bytes, and ``HEX.json``, what they are to become. The
latter is written first and removed last, so bytes without it are the rest of a crash.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pycontainerd.content.blob import Partial
from pycontainerd.content.claims import Claim, Claims
from pycontainerd.content.ingest import Ingest
from pycontainerd.errors import IngestInUse

STALE_SECONDS: Final = 24 * 60 * 60
"""How long a partial ingest waits for somebody to go on with it; containerd's leases wait as long."""


class Partials:
    """All methods block; from any thread."""

    def __init__(self, directory: Path, blobs: Path) -> None:
        self._directory, self._blobs = directory, blobs
        self._claims = Claims()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.clean()

    def open(self, reference: str, *, digest: str | None, size: int | None, what: str) -> Ingest:
        """The ingest under ``reference``, where it had come to if it is to become the same. IngestInUse when somebody is at it."""
        name = _name(reference)
        claim = self._claims.claim(name)
        if not isinstance(claim, Claim):
            raise IngestInUse(f"ingest {reference}: somebody is writing it; wait, or use another reference")
        try:
            about = self._about(name)
            wanted: dict[str, object] = {"reference": reference, "digest": digest, "size": size}
            if self._read(name) != wanted:
                (self._directory / name).unlink(missing_ok=True)
                _replace(about, wanted)
            return Ingest(
                self._directory / name, self._blobs, digest=digest, size=size, what=what, claim=claim, about=about
            )
        except BaseException:
            claim.__exit__(None, None, None)
            raise

    def walk(self) -> Iterator[Partial]:
        """All of them, also those that somebody is at."""
        for path in sorted(self._directory.glob("*.json")):
            about = self._read(path.stem)
            found = _stat(self._directory / path.stem) or _stat(path)
            if about is not None and found is not None:
                written = found.st_size if (self._directory / path.stem).exists() else 0
                yield Partial(
                    reference=str(about["reference"]),
                    offset=written,
                    digest=about["digest"] if isinstance(about["digest"], str) else None,
                    size=about["size"] if isinstance(about["size"], int) else None,
                    updated_ns=found.st_mtime_ns,
                )

    def abort(self, reference: str) -> None:
        """Remove one; one that is not there is no failure. IngestInUse."""
        claim = self._claims.claim(_name(reference))
        if not isinstance(claim, Claim):
            raise IngestInUse(f"ingest {reference}: somebody is writing it; end that first")
        with claim:
            self._remove(_name(reference))

    def clean(self, older_than: float = STALE_SECONDS) -> None:
        """Remove those that nobody has written to for so many seconds, and what a crash has left of others."""
        known = {path.name.partition(".")[0] for path in self._directory.iterdir()}
        for name in known:
            claim = self._claims.claim(name)
            if isinstance(claim, Claim):
                with claim:
                    if self._is_stale(name, older_than):
                        self._remove(name)

    def _is_stale(self, name: str, seconds: float) -> bool:
        found = _stat(self._directory / name) or _stat(self._about(name))
        return self._read(name) is None or found is None or time.time() - found.st_mtime > seconds

    def _remove(self, name: str) -> None:
        (self._directory / name).unlink(missing_ok=True)
        for path in (self._about(name), self._about(name).with_suffix(".new")):
            path.unlink(missing_ok=True)

    def _about(self, name: str) -> Path:
        return self._directory / f"{name}.json"

    def _read(self, name: str) -> dict[str, object] | None:
        try:
            value = json.loads(self._about(name).read_text())
        except (OSError, ValueError):
            return None
        return value if isinstance(value, dict) and set(value) == {"reference", "digest", "size"} else None


def _replace(path: Path, value: dict[str, object]) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(value))
    fresh.rename(path)


def _name(reference: str) -> str:
    return hashlib.sha256(reference.encode()).hexdigest()


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
