"""A layer of 60,000 files and 650 MB, from the machine's own /usr/share and /usr/lib: unpacked by a call, and imported by a daemon.

Nothing is deleted while one measures: for minutes after, ext4 does not use the inodes again, and looks at each of them whenever it makes
a file. So each contender unpacks into a new directory every time, and all go in the end, which needs some 20 GB.
"""

from __future__ import annotations

import itertools
import os
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from attrs import define, field, frozen
from isal import igzip

from benchmarks import engines
from benchmarks.commands import timer
from benchmarks.engines import Engine
from benchmarks.measure import Comparison, Contender, NotComparable, timed
from benchmarks.stage import Stage
from pycontainerd.diff.apply import apply

_SOURCES = ("/usr/share", "/usr/lib")
_FILES, _BYTES, _LARGEST = 60_000, 650 << 20, 30 << 20


@frozen
class Layer:
    """The tar, as GNU tar writes it in pax' format (times to the nanosecond), and what is in it."""

    path: Path
    files: int
    bytes: int

    def sentence(self) -> str:
        """For the notes."""
        return f"The layer has {self.files:,} files and links and {self.bytes / 1e6:.0f} MB in them, as a tar of pax' format."


@define
class _Places:
    """New directories, one after the other."""

    _parent: Path
    _numbers: Iterator[int] = field(factory=itertools.count)

    def new(self) -> Path:
        made = self._parent / str(next(self._numbers))
        made.mkdir(parents=True)
        return made


def make_layer(directory: Path) -> Layer:
    """Files of the machine, in order, up to the number or the size."""
    names, files, size = [], 0, 0
    for path, status in _walk():
        content = status.st_size if stat.S_ISREG(status.st_mode) else 0
        if content > _LARGEST or size + content > _BYTES:
            continue
        names.append(path)
        files += not stat.S_ISDIR(status.st_mode)
        size += content
        if files == _FILES:
            break
    target = directory / "layer.tar"
    listed = "\0".join(names).encode("utf-8", "surrogateescape")
    command = ["tar", "--create", "--no-recursion", "--null", "--format=posix", "-C", "/", "-T", "-", "-f", str(target)]
    subprocess.run(command, input=listed, check=True)
    return Layer(target, files, size)


def _walk() -> Iterator[tuple[str, os.stat_result]]:
    for source in _SOURCES:
        for directory, below, names in os.walk(source):
            below.sort()
            for name in (".", *sorted(names)):
                path = os.path.normpath(f"{directory}/{name}")
                yield path.lstrip("/"), os.lstat(path)


@contextmanager
def plain(stage: Stage) -> Iterator[Comparison]:
    """``pycontainerd.diff.apply`` beside GNU tar: both make the same files, and ours takes the digest, too."""
    with _layer(stage) as (layer, places):
        yield Comparison(
            "unpack",
            "unpacking a layer of 60,000 files, 650 MB",
            (_ours("pycontainerd apply", layer.path, places), _tar("GNU tar", "-xpf", layer.path, places)),
            targets={"GNU tar": 1.3},
            notes=(layer.sentence(), *_NOTES),
            warm_up=1,
        )


@contextmanager
def compressed(stage: Stage) -> Iterator[Comparison]:
    """The same layer as gzip."""
    with _layer(stage) as (layer, places):
        target = layer.path.with_suffix(".tar.gz")
        with layer.path.open("rb") as source, target.open("wb") as file:
            # which takes seconds, where Python's own takes minutes on a busy machine
            with igzip.IGzipFile(fileobj=file, mode="wb", compresslevel=3) as packed:  # type: ignore[no-untyped-call]
                shutil.copyfileobj(source, packed, 1 << 20)
        yield Comparison(
            "unpack-gzip",
            "unpacking the same layer as gzip",
            (_ours("pycontainerd apply", target, places), _tar("GNU tar", "-xzpf", target, places)),
            targets={"GNU tar": 1.3},
            notes=_NOTES,
            warm_up=1,
        )


@contextmanager
def importing(stage: Stage) -> Iterator[Comparison]:
    """``docker import`` of the layer by the docker CLI. Each time it is another layer, by one file in front of the others."""
    docker = shutil.which("docker") or "docker"
    with _layer(stage) as (layer, places), ExitStack() as stack:
        contenders = []
        for name, start in (("pydockerd", engines.pydockerd), ("dockerd", engines.dockerd)):
            try:
                engine = stack.enter_context(start(stage.directory / f"{name}-import", f"{stage.name}-import-{name}"))
            except NotComparable as reason:
                contenders.append(Contender(name, _refusal(reason)))
                continue
            contenders.append(Contender(name, _import(docker, engine, layer, stack)))
        contenders.append(_tar("GNU tar of it, and nothing else", "-xpf", layer.path, places))
        yield Comparison(
            "import",
            "`docker import` of the same layer",
            tuple(contenders),
            targets={"dockerd": 1 / 3},
            notes=(
                "The docker CLI reads the file and sends it to both. GNU tar reads it itself, and makes the files: nobody who imports can be faster.",
            ),
            warm_up=1,
        )


_NOTES = (
    "GNU tar is the floor: it takes no digest and refuses no hostile name. Everything written before is synced first.",
    "The page cache holds the layer; what is written is not synced, by neither.",
)


@contextmanager
def _layer(stage: Stage) -> Iterator[tuple[Layer, _Places]]:
    directory = stage.directory / "unpack"
    directory.mkdir()
    try:
        yield make_layer(directory), _Places(directory / "trees")
    finally:
        shutil.rmtree(directory)


def _ours(name: str, layer: Path, places: _Places) -> Contender:
    def once() -> float:
        target = places.new()
        os.sync()
        with layer.open("rb") as file:
            return timed(lambda: apply(file, str(target)))

    return Contender(name, once)


def _tar(name: str, flags: str, layer: Path, places: _Places) -> Contender:
    def once() -> float:
        command = ["tar", "--numeric-owner", "-C", str(places.new()), flags, str(layer)]
        os.sync()
        return timed(lambda: subprocess.run(command, check=True))

    return Contender(name, once)


def _import(docker: str, engine: Engine, layer: Layer, stack: ExitStack) -> Callable[[], float]:
    started = stack.enter_context(timer(engine.environment()))
    numbers = itertools.count()

    def once() -> float:
        variant = layer.path.with_name("variant.tar")
        front = tarfile.TarInfo(f"variant-{next(numbers)}")
        with variant.open("wb") as target, layer.path.open("rb") as source:
            target.write(front.tobuf())
            shutil.copyfileobj(source, target, 1 << 20)
        os.sync()
        return started.times(docker, "import", str(variant))()

    return once


def _refusal(reason: NotComparable) -> Callable[[], float]:
    def once() -> float:
        raise reason

    return once
