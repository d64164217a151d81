"""The same Dockerfiles by Debian's dockerd (its classic builder) and by ours: files, configurations and histories are compared."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from docker import APIClient

from .conftest import Engine, engine_of
from .dockerfiles import CASES, Case
from .test_build import built

COMPARED = (
    *("Env", "Cmd", "Entrypoint", "WorkingDir", "User", "Labels", "ExposedPorts", "Volumes", "StopSignal"),
    *("Healthcheck", "Shell", "OnBuild"),
)


@frozen
class Builder:
    """An engine of this module's own, so that nothing has to be cleared away between the builds; what is asked of it goes by docker-py."""

    engine: Engine
    client: APIClient


@pytest.fixture(scope="module")
def engines(busybox_tar: Path) -> Iterator[tuple[Engine, Engine]]:
    """Ours and theirs."""
    with engine_of("pydockerd", busybox_tar) as ours, engine_of("dockerd", busybox_tar) as theirs:
        yield ours, theirs


@pytest.fixture
def builders(engines: tuple[Engine, Engine]) -> Iterator[tuple[Builder, Builder]]:
    """Both, with a client."""
    with contextlib.ExitStack() as stack:
        ours, theirs = (stack.enter_context(contextlib.closing(APIClient(each.host, timeout=60))) for each in engines)
        yield Builder(engines[0], ours), Builder(engines[1], theirs)


def laid_out(case: Case, directory: Path) -> Path:
    for name, content in {**case.files, "Dockerfile": case.text}.items():
        path = directory / name.rstrip("!@")
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("@"):
            path.symlink_to(content)
        else:
            path.write_text(content)
            path.chmod(0o755 if name.endswith("!") else 0o644)
    return directory


def files(builder: Builder, image: str) -> dict[str, tuple[object, ...]]:
    """All that is in the image, but for times."""
    host = builder.client.create_host_config(network_mode="none")
    container = builder.client.create_container(image, "x", host_config=host)["Id"]
    exported = b"".join(builder.client.export(container))
    found = dict[str, tuple[object, ...]]()
    with tarfile.open(fileobj=io.BytesIO(exported)) as archive:
        for entry in archive:
            content = archive.extractfile(entry) if entry.isreg() else None
            digest = hashlib.sha256(content.read()).hexdigest() if content is not None else ""
            name = entry.name.removeprefix("./").strip("/")
            if name and name != "." and name.split("/")[0] not in ("dev", "proc", "sys", ".dockerenv"):
                kind = tarfile.REGTYPE if entry.islnk() else entry.type  # which of several names is first is not said
                link = "" if entry.islnk() else entry.linkname
                found[name] = (
                    kind,
                    entry.mode & 0o7777,
                    entry.uid,
                    entry.gid,
                    link,
                    digest if not entry.islnk() else "",
                )
    found = {name: value for name, value in found.items() if name not in OWN}
    if not any(name.startswith("etc/") for name in found):
        found.pop("etc", None)  # made for those
    return found


OWN = ("etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab")


def configuration(builder: Builder, image: str) -> dict[str, Any]:
    found = builder.client.inspect_image(image)
    config = {name: found["Config"].get(name) or None for name in COMPARED}
    config["Env"] = [each for each in config["Env"] or [] if not each.startswith("PATH=")] or None
    return {**config, "Author": found.get("Author", ""), "Layers": len(found["RootFS"]["Layers"])}


def history(builder: Builder, image: str) -> list[str]:
    return [_plain(step["CreatedBy"]) for step in builder.client.history(image)]


def _plain(line: str) -> str:
    """Without digests, which are of other things; dockerd forgets a blank after ``--chown``, has ports in any order, and shows a structure of Go's."""
    line = re.sub(r"HEALTHCHECK .*", "HEALTHCHECK", line)
    line = re.sub(r"(--chown=\S*?) ?(file|dir|multi):[0-9a-f]{64}", r"\1 \2:", line)
    line = re.sub(r"(file|dir|multi):[0-9a-f]{64}", r"\1:", line).strip()
    head, found, ports = line.partition("EXPOSE ")
    return head + found + " ".join(sorted(ports.split())) if found else line


@pytest.mark.parametrize("name", CASES)
def test_is_built_alike(builders: tuple[Builder, Builder], tmp_path: Path, name: str) -> None:
    directory = laid_out(CASES[name], tmp_path)
    tag = "compared:" + re.sub("[^a-z]+", "-", name)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda each: built(each.engine, directory, "-t", tag, *NONE, *CASES[name].options), builders))
        ours, theirs = threads.map(lambda each: configuration(each, tag), builders)
        assert ours == theirs
        assert history(builders[0], tag) == history(builders[1], tag)
        ours, theirs = threads.map(lambda each: files(each, tag), builders)
    different = {
        path: (ours.get(path), theirs.get(path)) for path in ours | theirs if ours.get(path) != theirs.get(path)
    }
    assert different == {}


NONE = ("--network", "none")
