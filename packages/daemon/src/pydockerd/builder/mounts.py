"""``RUN --mount``: files of the context, of stages and images, caches that stay, secrets that do not.

Source: the Dockerfile reference, "RUN --mount". What is mounted is no part of the layer, and neither are the directories that were made to mount it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import posixpath
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

from attrs import define, field

from pycontainerd import tree as trees
from pycontainerd.containers.config import BindMount, TmpfsMount
from pycontainerd.diff.apply import put
from pydockerd.builder import copying, layertar
from pydockerd.builder import state as states
from pydockerd.builder.build import Build
from pydockerd.builder.cache import MOUNT, Record
from pydockerd.builder.copying import Item
from pydockerd.builder.dockerfile.instructions import Run, RunMount
from pydockerd.builder.dockerfile.source import Text
from pydockerd.builder.layertar import Traces
from pydockerd.builder.tree import Node, Tree, resolve, walk
from pydockerd.config.kinds import size
from pydockerd.errors import BadRequest

Expand = Callable[[Text], str]
FilesOf = Callable[[Text], AbstractAsyncContextManager[Tree]]
"""The files of a stage or an image that a flag names."""

Mount = BindMount | TmpfsMount
_MODE = re.compile(r"[0-7]{1,5}")
_NUMBER = re.compile(r"[0-9]{1,10}")
_SHARING: Final = ("shared", "private", "locked")


@define
class Mounted:
    """The mounts of one RUN: ``key`` is what they are as far as the result depends on them, ``targets`` where they are in the container."""

    parts: list[object] = field(factory=list)
    targets: list[str] = field(factory=list)
    _making: list[Callable[[], Awaitable[Mount]]] = field(factory=list)

    @property
    def key(self) -> str:
        """See above."""
        return states.digest(self.parts) if self.parts else ""

    def add(self, target: str, part: object, make: Callable[[], Awaitable[Mount]]) -> None:
        """One more."""
        self.parts.append((target, part))
        self.targets.append(target)
        self._making.append(make)

    async def prepare(self) -> tuple[Mount, ...]:
        """Make them ready. Only for a command that is run."""
        return tuple([await make() for make in self._making])


@define
class _Options:
    """Those of one mount, expanded."""

    mount: RunMount
    given: dict[str, str]
    workdir: str

    @property
    def target(self) -> str:
        """Absolute."""
        said = self.text("target", "dst", "destination")
        return posixpath.normpath(posixpath.join(self.workdir, said)) if said else ""

    def text(self, *names: str) -> str:
        """The first that is given."""
        return next((self.given[name] for name in names if name in self.given), "")

    def number(self, name: str, default: int) -> int:
        """BadRequest."""
        said = self.given.get(name, "")
        pattern = _MODE if name == "mode" else _NUMBER
        if said and not pattern.fullmatch(said):
            raise BadRequest(f"--mount: invalid value for {name}: {said!r}")
        return int(said, 8 if name == "mode" else 10) if said else default

    def flag(self, *names: str) -> bool | None:
        """None where nothing is said. BadRequest."""
        for name in names:
            said = self.given.get(name)
            if said is not None:
                if said.lower() not in ("true", "false", "1", "0"):
                    raise BadRequest(f"--mount: invalid value for {name}: {said!r}: expected true or false")
                return said.lower() in ("true", "1")
        return None

    @property
    def read_only(self) -> bool | None:
        """None where nothing is said."""
        written = self.flag("rw", "readwrite")
        return (not written) if written is not None else self.flag("ro", "readonly")


@contextlib.asynccontextmanager
async def mounting(
    build: Build, instruction: Run, workdir: str, expand: Expand, files_of: FilesOf
) -> AsyncIterator[Mounted]:
    """Those of a RUN; what they need goes away with the context."""
    async with contextlib.AsyncExitStack() as stack:
        mounted = Mounted()
        for mount in instruction.mounts:
            given = {name: value.text if name == "from" else expand(value) for name, value in mount.options}
            options = _Options(mount, given, workdir)
            await _ADD[mount.type](build, options, mounted, stack, files_of)
        yield mounted


async def _bind(
    build: Build, options: _Options, mounted: Mounted, stack: contextlib.AsyncExitStack, files_of: FilesOf
) -> None:
    """A copy of what is mounted: nothing that the command does to it comes back."""
    tree = await _tree(build, options, stack, files_of)
    source = await asyncio.to_thread(resolve, tree, options.text("source", "src") or "/")
    node = await asyncio.to_thread(tree.node, source)
    if node is None:
        raise BadRequest(f"--mount: {options.text('source', 'src')}: file does not exist")
    items = await asyncio.to_thread(lambda: _items(tree, source))
    part = ("bind", await asyncio.to_thread(copying.digest, items))

    async def make() -> Mount:
        place = _place(build, stack)
        await asyncio.to_thread(_written, build, items, place)
        read_only = options.read_only in (None, True)
        return _bound(build, place / _NAME, options.target, read_only=read_only)

    mounted.add(options.target, part, make)


_NAME: Final = "content"


def _items(tree: Tree, source: str) -> Sequence[Item]:
    found = list[Item]()
    for path, node in walk(tree, source):
        relative = path[len(source) :].lstrip("/")
        found.append(Item(f"{_NAME}/{relative}" if relative else _NAME, node, tree, path))
    return found


def _written(build: Build, items: Sequence[Item], place: Path) -> None:
    with build.workshop.supervisor.images.spool() as spool:
        for piece in layertar.tar(items):
            spool.write(piece)
        spool.seek(0)
        put(spool, str(place), keep_kinds=False)


async def _tree(build: Build, options: _Options, stack: contextlib.AsyncExitStack, files_of: FilesOf) -> Tree:
    reference = next((value for name, value in options.mount.options if name == "from"), None)
    if reference is None:
        return build.context
    return await stack.enter_async_context(files_of(reference))


async def _cache(
    build: Build, options: _Options, mounted: Mounted, stack: contextlib.AsyncExitStack, files_of: FilesOf
) -> None:
    """A directory that outlives the build."""
    sharing = options.text("sharing") or "shared"
    if sharing not in _SHARING:
        raise BadRequest(f"--mount: invalid value for sharing: {sharing!r}: expected one of {', '.join(_SHARING)}")
    name = options.text("id") or options.target
    mode, uid, gid = options.number("mode", 0o755), options.number("uid", 0), options.number("gid", 0)

    async def make() -> Mount:
        key = f"mount-{states.digest(name)}"
        if sharing == "private" and build.cache.is_busy(key):
            key = f"mount-{states.digest(name, secrets.token_hex(8))}"
        await stack.enter_async_context(build.cache.claimed(key) if sharing == "locked" else build.cache.used(key))
        directory = build.cache.mount_directory(key)
        async with build.cache.claimed(f"making {key}"):  # stages side by side may come to it at once
            if await build.cache.get(key) is None:
                await asyncio.to_thread(_made, directory, mode, uid, gid)
                if any(option == "from" for option, _ in options.mount.options):
                    await _filled(build, options, directory, files_of)
                await build.cache.put(Record(key=key, kind=MOUNT, description=f"cache mount {name}"))
        return _bound(build, directory, options.target, read_only=bool(options.read_only))

    mounted.add(options.target, "cache", make)


async def _filled(build: Build, options: _Options, directory: Path, files_of: FilesOf) -> None:
    async with contextlib.AsyncExitStack() as stack:
        tree = await _tree(build, options, stack, files_of)
        source = await asyncio.to_thread(resolve, tree, options.text("source", "src") or "/")
        items = await asyncio.to_thread(
            lambda: [Item(item.target.partition("/")[2], *_rest(item)) for item in _items(tree, source)[1:]]
        )
        with build.workshop.supervisor.images.spool() as spool:
            for piece in layertar.tar(items):
                spool.write(piece)
            spool.seek(0)
            await asyncio.to_thread(lambda: put(spool, str(directory), keep_kinds=False))


def _rest(item: Item) -> tuple[Node, Tree | None, str]:
    return item.node, item.tree, item.source


def _made(directory: Path, mode: int, uid: int, gid: int) -> None:
    """Without what somebody has left who was killed before he could write it down."""
    with contextlib.suppress(FileNotFoundError):
        trees.remove(directory)
    directory.parent.mkdir(parents=True, exist_ok=True, mode=0o711)
    directory.mkdir()
    os.chown(directory, uid, gid)
    directory.chmod(mode)


async def _tmpfs(
    build: Build, options: _Options, mounted: Mounted, stack: contextlib.AsyncExitStack, files_of: FilesOf
) -> None:
    said = options.text("size")
    try:
        limit = (f"size={size(said)}",) if said else ()
    except ValueError as error:
        raise BadRequest(f"--mount: invalid value for size: {error}") from None

    async def make() -> Mount:
        return TmpfsMount(target=options.target, options=limit)

    mounted.add(options.target, "tmpfs", make)


async def _secret(
    build: Build, options: _Options, mounted: Mounted, stack: contextlib.AsyncExitStack, files_of: FilesOf
) -> None:
    """A file below the daemon's runtime directory, which nobody else may enter, as long as the command runs. It is no part of what a step is known by."""
    if options.text("env"):
        raise BadRequest("--mount: a secret in the environment would be written down with it: mount it as a file")
    name = options.text("id") or posixpath.basename(options.target)
    if not name:
        raise BadRequest("--mount: a secret needs an id or a target")
    target = options.target or f"/run/secrets/{name}"
    content = build.options.secrets.get(name)
    if content is None:
        if options.flag("required"):
            raise BadRequest(f"--mount: secret {name}: not found")
        return
    mode, uid, gid = options.number("mode", 0o400), options.number("uid", 0), options.number("gid", 0)

    async def make() -> Mount:
        place = _place(build, stack, secret=True)
        await asyncio.to_thread(_secretly_written, place / _NAME, content, mode, uid, gid)
        return _bound(build, place / _NAME, target, read_only=True)

    mounted.add(target, ("secret", name), make)


def _secretly_written(path: Path, content: bytes, mode: int, uid: int, gid: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, mode)


async def _ssh(
    build: Build, options: _Options, mounted: Mounted, stack: contextlib.AsyncExitStack, files_of: FilesOf
) -> None:
    if options.flag("required"):
        raise BadRequest("--mount: ssh: an agent is forwarded by BuildKit's session alone, which is not spoken here")


def _place(build: Build, stack: contextlib.AsyncExitStack, *, secret: bool = False) -> Path:
    """A directory that goes with the context; the next daemon removes what a killed one has left."""
    place = (build.cache.runtime if secret else build.cache.directory / "work") / secrets.token_hex(8)
    place.mkdir(parents=True, mode=0o711 if not secret else 0o700)
    stack.callback(_removed, place)
    return place


def _removed(place: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        trees.remove(place)


def _bound(build: Build, source: Path, target: str, *, read_only: bool) -> BindMount:
    return BindMount(source=str(source), target=target, options=("ro" if read_only else "rw", *build.mount_options))


_ADD: Final = {"bind": _bind, "cache": _cache, "tmpfs": _tmpfs, "secret": _secret, "ssh": _ssh}


_ALWAYS: Final = ("/etc/hosts",)
"""What every container has mounted on files that are made for that; the others, below /dev, /proc and /sys, no layer has."""


def traces(root: Tree, targets: Sequence[str]) -> Traces:
    """What mounting there will leave in files that are these before."""
    made, touched = list[str](), dict[str, Node]()
    for target in (*_ALWAYS, *targets):
        parts = resolve(root, target).split("/")
        for count in range(1, len(parts) + 1):
            path, above = "/".join(parts[:count]), "/".join(parts[: count - 1])
            if root.node(path) is not None:
                continue
            made.append(path)
            parent = root.node(above)
            if parent is not None:
                touched[above] = parent
    return Traces(tuple(dict.fromkeys(made)), touched)
