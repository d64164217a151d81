"""Pulling an image of ten layers from a registry on this machine: for the first time, and again."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import itertools
import json
import os
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from attrs import define, field

from benchmarks import engines
from benchmarks.commands import Timer, timer
from benchmarks.engines import Engine
from benchmarks.measure import Comparison, Contender, NotComparable, timed
from benchmarks.stage import Stage

_LAYERS: Final = 10
_MEDIA: Final = "application/vnd.docker"
_LAYER_BYTES: Final = 16 << 20
_ALLOWED: Final = 0.050
_PATIENCE: Final = 20.0
_NOTES: Final = (
    f"The image has {_LAYERS} layers of {_LAYER_BYTES >> 20} MiB from this machine's /usr, as gzip. Debian's docker-registry serves it over plain HTTP.",
    "Each pull is of another image, by one file in front of each layer: to remove it in between would make ext4 look at the inodes of deleted files for minutes. The same docker CLI is in front of both daemons.",
)


@contextmanager
def first(stage: Stage) -> Iterator[Comparison]:
    """``docker pull`` of an image that is not there."""
    docker = shutil.which("docker") or "docker"
    with ExitStack() as stack:
        host = stack.enter_context(_registry(stage.directory / "registry-pull"))
        variants = Variants(host, stage.directory / "variants")
        contenders = []
        for daemon, engine in _engines(stack, stage, "pull").items():
            if isinstance(engine, NotComparable):
                contenders.append(Contender(daemon, _refusal(engine)))
                continue
            started = stack.enter_context(timer(engine.environment()))
            contenders.append(Contender(daemon, _pulling(docker, started, variants)))
        yield Comparison(
            "pull", "`docker pull` of ten layers from this machine", tuple(contenders), {"dockerd": 0.5}, _NOTES
        )


@contextmanager
def again(stage: Stage) -> Iterator[Comparison]:
    """The same image once more, over an open connection."""
    with ExitStack() as stack:
        name, present = _prepared(stack, stage, "again")
        contenders = []
        for daemon, engine in present.items():
            if isinstance(engine, NotComparable):
                contenders.append(Contender(daemon, _refusal(engine)))
                continue
            engine.docker("pull", name)
            connection = stack.enter_context(closing(engine.connect().connection))
            contenders.append(Contender(daemon, _asking(connection, name)))
        contenders.append(Contender("what is allowed", lambda: _ALLOWED))
        notes = ("One request for the manifest's digest, and an answer that nothing is to be done.",)
        title = "the same image pulled again, over the socket"
        yield Comparison("pull-again", title, tuple(contenders), {"what is allowed": 1.0}, notes)


def _pulling(docker: str, started: Timer, variants: Variants) -> Callable[[], float]:
    """One image after the other."""
    numbers = itertools.count()

    def once() -> float:
        name = variants.named(next(numbers))
        os.sync()
        return started.times(docker, "pull", "--quiet", name)()

    return once


@define
class Variants:
    """Images of the same files in a registry, which share no layer."""

    _host: str
    _directory: Path
    _layers: list[tuple[bytes, bytes]] = field(factory=list)
    _pushed: dict[int, str] = field(factory=dict)

    def named(self, number: int) -> str:
        """The name of one, which is in the registry by then."""
        if number not in self._pushed:
            self._pushed[number] = self._push(number)
        return self._pushed[number]

    def _push(self, number: int) -> str:
        if not self._layers:
            self._layers = list(self._made())
        front = tarfile.TarInfo(f"variant-{number}").tobuf()
        packed_front = gzip.compress(front)
        config: dict[str, Any] = {"architecture": "amd64", "os": "linux", "config": {}}
        config["rootfs"] = {"type": "layers", "diff_ids": [_digest(front, plain) for plain, _ in self._layers]}
        described = [self._blob(packed_front, packed) for _, packed in self._layers]
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{_MEDIA}.distribution.manifest.v2+json",
            "config": {"mediaType": f"{_MEDIA}.container.image.v1+json", **self._blob(json.dumps(config).encode())},
            "layers": [{"mediaType": f"{_MEDIA}.image.rootfs.diff.tar.gzip", **each} for each in described],
        }
        headers = {"Content-Type": f"{_MEDIA}.distribution.manifest.v2+json"}
        self._ask("PUT", f"/v2/ten/layers/manifests/{number}", json.dumps(manifest).encode(), headers)
        return f"{self._host}/ten/layers:{number}"

    def _made(self) -> Iterator[tuple[bytes, bytes]]:
        """Each layer, plain and as gzip: two streams of gzip, one after the other, are one."""
        self._directory.mkdir()
        files = _files()
        for number in range(_LAYERS):
            layer = self._directory / f"layer-{number}.tar"
            _write_layer(layer, files)
            plain = layer.read_bytes()
            yield plain, gzip.compress(plain, 6)

    def _blob(self, *parts: bytes) -> dict[str, object]:
        data, digest = b"".join(parts), _digest(*parts)
        place = self._ask("POST", "/v2/ten/layers/blobs/uploads/").headers["Location"]
        joint = "&" if "?" in place else "?"
        headers = {"Content-Type": "application/octet-stream"}
        self._ask("PUT", f"{place.partition(self._host)[2] or place}{joint}digest={digest}", data, headers)
        return {"digest": digest, "size": len(data)}

    def _ask(
        self, method: str, path: str, data: bytes = b"", headers: Mapping[str, str] = MappingProxyType({})
    ) -> http.client.HTTPResponse:
        with closing(http.client.HTTPConnection(self._host)) as connection:
            connection.request(method, path, data, dict(headers))
            answer = connection.getresponse()
            said = answer.read()
        if answer.status >= http.client.BAD_REQUEST:
            raise RuntimeError(f"{method} {path}: {answer.status} {said.decode(errors='replace')}")
        return answer


def _digest(*parts: bytes) -> str:
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(part)
    return f"sha256:{hashed.hexdigest()}"


def _asking(connection: http.client.HTTPConnection, name: str) -> Callable[[], float]:
    api = engines.Api(connection)
    repository, _, tag = name.rpartition(":")

    def once() -> None:
        said = api.stream("POST", f"/images/create?fromImage={repository}&tag={tag}")
        assert b"Image is up to date" in said, said[-500:]

    return lambda: timed(once)


def _prepared(stack: ExitStack, stage: Stage, purpose: str) -> tuple[str, dict[str, Engine | NotComparable]]:
    """A registry that has the image, and both daemons without it."""
    host = stack.enter_context(_registry(stage.directory / f"registry-{purpose}"))
    name = f"{host}/ten/layers:1"
    present = _engines(stack, stage, purpose)
    ours = present["pydockerd"]
    assert isinstance(ours, Engine)
    _push(ours, stage.directory / f"image-{purpose}", name)
    return name, present


def _engines(stack: ExitStack, stage: Stage, purpose: str) -> dict[str, Engine | NotComparable]:
    present: dict[str, Engine | NotComparable] = {}
    for daemon, start in (("pydockerd", engines.pydockerd), ("dockerd", engines.dockerd)):
        try:
            directory = stage.directory / f"{daemon}-{purpose}"
            present[daemon] = stack.enter_context(start(directory, f"{stage.name}-{purpose}-{daemon}"))
        except NotComparable as reason:
            present[daemon] = reason
    return present


def _push(engine: Engine, directory: Path, name: str) -> None:
    """Make the image, load it, push it, and remove it."""
    directory.mkdir()
    archive = directory / "image.tar"
    _write_archive(archive, name)
    engine.docker("load", "-i", str(archive))
    engine.docker("push", "--quiet", name)
    engine.docker("rmi", name)
    shutil.rmtree(directory)


def _write_archive(target: Path, name: str) -> None:
    """A ``docker save`` archive of the old form: each layer a tar of files of this machine."""
    files = _files()
    layers = []
    with tarfile.open(target, "w") as archive:
        for number in range(_LAYERS):
            layer = target.with_name(f"layer-{number}.tar")
            _write_layer(layer, files)
            layers.append(f"sha256:{hashlib.sha256(layer.read_bytes()).hexdigest()}")
            archive.add(layer, f"{number}/layer.tar")
            layer.unlink()
        document = json.dumps(
            {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": layers}}
        )
        members = [f"{number}/layer.tar" for number in range(_LAYERS)]
        manifest = json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": members}])
        for member, text in (("config.json", document), ("manifest.json", manifest)):
            path = target.with_name(member)
            path.write_text(text)
            archive.add(path, member)


def _files() -> Iterator[Path]:
    """Files of /usr, always in the same order."""
    for top in ("/usr/lib", "/usr/share"):
        for path in sorted(Path(top).rglob("*")):
            if path.is_file() and not path.is_symlink() and path.stat().st_size < 4 << 20:
                yield path


def _write_layer(target: Path, files: Iterator[Path]) -> None:
    size = 0
    with tarfile.open(target, "w") as layer:
        for path in files:
            layer.add(path, str(path).lstrip("/"), recursive=False)
            size += path.stat().st_size
            if size >= _LAYER_BYTES:
                return


@contextmanager
def _registry(directory: Path) -> Iterator[str]:
    """Debian's docker-registry; its address."""
    if shutil.which("docker-registry") is None:
        raise RuntimeError("docker-registry is not installed")
    directory.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (directory / "config.yml").write_text(
        f"version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {directory}/data\n"
        f"http:\n  addr: 127.0.0.1:{port}\n"
    )
    with (directory / "log").open("wb") as log:
        command = ["docker-registry", "serve", str(directory / "config.yml")]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _await(port, process)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("docker-registry does not answer") from None
            time.sleep(0.05)
        else:
            return


def _refusal(reason: NotComparable) -> Callable[[], float]:
    def once() -> float:
        raise reason

    return once
