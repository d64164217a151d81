"""What fails leaves nothing: no file in the daemon's directories, beside what the fixture of every test looks for on the machine."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import time
from pathlib import Path

import pytest

from tests.support.daemon import Daemon

# The database's pages come and go with use.
_ALWAYS_THERE = ("metadata.db", "metadata.db-wal", "metadata.db-shm")


def files(daemon: Daemon) -> set[str]:
    """Everything below the daemon's data and exec roots."""
    roots = (daemon.directory / "data", daemon.directory / "run")
    found = (path for root in roots for path in root.rglob("*"))
    return {str(path) for path in found if path.name not in _ALWAYS_THERE}


def archive(path: Path, layer: bytes, diff_id: str) -> Path:
    """A ``docker save`` archive of one layer."""
    config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [diff_id]}}
    manifest = [{"Config": "config.json", "RepoTags": ["bad:1"], "Layers": ["layer.tar"]}]
    members = {
        "config.json": json.dumps(config).encode(),
        "layer.tar": layer,
        "manifest.json": json.dumps(manifest).encode(),
    }
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


def layer(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> bytes:
    """A tar of one member."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, target
        tar.addfile(entry)
    return stream.getvalue()


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def settle(daemon: Daemon) -> None:
    """Older CLIs end before the daemon has removed the container."""
    deadline = time.monotonic() + 10
    while daemon.docker("ps", "-aq").stdout:
        assert time.monotonic() < deadline, daemon.docker("ps", "-a").stdout
        time.sleep(0.05)


GOOD = layer("good")
CLIMBS = layer("../outside")
LINKS_OUT = layer("passwd", tarfile.LNKTYPE, "/../../etc/passwd")


@pytest.mark.parametrize(
    ("content", "diff_id", "told"),
    [
        (GOOD, "sha256:" + "0" * 64, "sha256:0000"),
        (GOOD[:700], digest(GOOD), "truncated"),
        (CLIMBS, digest(CLIMBS), "../outside"),
        (LINKS_OUT, digest(LINKS_OUT), "passwd"),
        (b"noise" * 1000, digest(b"noise" * 1000), "layer"),
    ],
    ids=["wrong digest", "truncated", "climbs out", "links out", "noise"],
)
def test_of_a_bad_archive(daemon: Daemon, tmp_path: Path, content: bytes, diff_id: str, told: str) -> None:
    daemon.docker("images")
    before = files(daemon)
    loaded = daemon.docker("load", "-i", str(archive(tmp_path / "bad.tar", content, diff_id)))
    assert loaded.returncode == 1
    assert told in loaded.stderr, loaded.stderr
    assert files(daemon) == before
    assert daemon.docker("images", "-q", "bad").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("host", "no-such-command"), 127),
        (("host", "/etc/passwd"), 126),
        (("--user", "nobody-here", "host", "true"), 125),
        (("--network", "no-such-network", "host", "true"), 125),
        (("--memory", "1k", "host", "true"), 125),
        (("-v", "relative:alsorelative", "host", "true"), 125),
        (("--mount", "type=bind,source=/no/such/source,target=/x", "host", "true"), 125),
        (("--security-opt", "seccomp={}", "host", "true"), 125),
        (("--ulimit", "nofile=4:2", "host", "true"), 125),
        (("--device", "/dev/no-such-device", "host", "true"), 125),
        (("no-such-image", "true"), 125),
    ],
)
def test_of_a_container_that_cannot_run(daemon: Daemon, arguments: tuple[str, ...], code: int) -> None:
    network = () if "--network" in arguments else ("--network", "none")
    daemon.docker("run", "--rm", "--network", "none", "host", "true")
    before = files(daemon)
    for run in (daemon.docker, daemon.pyctl):
        result = run("run", "--rm", *network, *arguments)
        assert result.returncode == code, (run.__name__, result.stderr)
        assert result.stderr.strip()
        assert "Traceback" not in result.stderr
        settle(daemon)
        assert files(daemon) == before


def test_of_a_whole_life(daemon: Daemon) -> None:
    daemon.docker("run", "--rm", "--network", "none", "host", "true")
    before = files(daemon)
    assert daemon.docker("run", "-d", "--name", "lived", "--network", "none", "host", "sleep", "100").returncode == 0
    assert daemon.docker("exec", "lived", "true").returncode == 0
    assert files(daemon) != before
    assert daemon.docker("rm", "-f", "lived").returncode == 0
    assert files(daemon) == before
