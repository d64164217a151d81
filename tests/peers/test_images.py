"""Images through the docker CLI: import, tag, list, inspect, save, load, remove."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .conftest import Engine


def test_version_and_info(engine: Engine) -> None:
    version = json.loads(engine.ok("version", "--format", "{{json .}}"))
    assert version["Server"]["Os"] == "linux"
    assert tuple(int(part) for part in version["Server"]["MinAPIVersion"].split(".")) >= (1, 12)
    info = json.loads(engine.ok("info", "--format", "{{json .}}"))
    assert (info["OSType"], info["Driver"]) == ("linux", info["Driver"])
    assert info["NCPU"] > 0


def test_list_tag_and_untag(engine: Engine) -> None:
    image = engine.ok("images", "-q", "--no-trunc", "busybox")
    engine.ok("tag", "busybox", "other:1")
    assert engine.ok("images", "--format", "{{.Repository}}:{{.Tag}}", "other") == "other:1"
    assert engine.ok("inspect", "-f", "{{.Id}}", "other:1") == image
    assert engine.ok("rmi", "other:1") == "Untagged: other:1"
    missing = engine.docker("rmi", "other:1")
    assert (missing.returncode, "No such image: other:1" in missing.stderr) == (1, True)


def test_save_and_load_give_the_same_image(engine: Engine) -> None:
    image = engine.ok("inspect", "-f", "{{.Id}}", "busybox")
    archive = str(engine.directory / "saved.tar")
    engine.ok("tag", "busybox", "saved:1")
    engine.ok("save", "-o", archive, "saved:1")
    engine.ok("rmi", "saved:1")
    assert engine.ok("load", "-i", archive) == "Loaded image: saved:1"
    assert engine.ok("inspect", "-f", "{{.Id}}", "saved:1") == image
    assert engine.ok("run", "--rm", "--network", "none", "saved:1", "echo", "alive") == "alive"
    engine.ok("rmi", "saved:1")


def test_image_in_use_is_kept(engine: Engine) -> None:
    engine.ok("create", "--name", "user", "--network", "none", "busybox", "true")
    refused = engine.docker("rmi", "busybox")
    assert (refused.returncode, "conflict" in refused.stderr) == (1, True)


def test_truncated_archive(engine: Engine) -> None:
    before = engine.ok("images", "-q")
    archive = engine.directory / "cut.tar"
    engine.ok("save", "-o", str(archive), "busybox")
    data = archive.read_bytes()
    archive.write_bytes(data[: len(data) // 2])
    assert engine.docker("load", "-i", str(archive)).returncode == 1
    assert engine.ok("images", "-q") == before


def test_history_shows_the_import(engine: Engine) -> None:
    assert engine.ok("history", "--format", "{{.CreatedBy}}|{{.Comment}}", "busybox").count("\n") == 0


def test_when_it_was_last_tagged(engine: Engine, busybox_tar: Path) -> None:
    def last() -> datetime:
        said = engine.ok("inspect", "-f", "{{json .Metadata.LastTagTime}}", "stamped:2")
        return datetime.fromisoformat(f"{json.loads(said).rstrip('Z')[:26]}+00:00")

    before = datetime.now(UTC) - timedelta(milliseconds=1)
    engine.ok("import", "-m", "stamped", str(busybox_tar), "stamped:2")
    imported = last()
    assert before < imported < datetime.now(UTC)
    engine.ok("tag", "stamped:2", "stamped:3")
    assert last() > imported
    engine.ok("rmi", "stamped:2", "stamped:3")
