"""``pyctl build``: an image from a Dockerfile and a directory, an archive or an address."""

from __future__ import annotations

import io
import itertools
import os
import secrets
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final

from pyctl.app.commands.progress import show
from pyctl.app.copying.packing import packed
from pyctl.app.copying.paths import Place
from pyctl.app.credentials import registries_auth
from pyctl.app.flags import operand, switch, value
from pyctl.app.options.values import pairs, size
from pyctl.app.session import client
from pyctl.errors import InvalidUsage
from pyctl.models.build import BuildRequest

_TEXT_BEGINS: Final = 512
_MOST_OF_A_DOCKERFILE: Final = 2 << 20


def build(
    path: Annotated[str, operand("PATH | URL | -")],
    file: Annotated[
        str | None, value("--file", "-f", help='Name of the Dockerfile (Default is "PATH/Dockerfile")')
    ] = None,
    tag: Annotated[
        list[str] | None,
        value("--tag", "-t", metavar="list", help='Name and optionally a tag in the "name:tag" format'),
    ] = None,
    build_arg: Annotated[
        list[str] | None, value("--build-arg", metavar="list", help="Set build-time variables")
    ] = None,
    label: Annotated[list[str] | None, value("--label", metavar="list", help="Set metadata for an image")] = None,
    secret: Annotated[
        list[str] | None,
        value(
            "--secret", metavar="list", help='Secret to expose to the build (format: "id=mysecret[,src=/local/secret]")'
        ),
    ] = None,
    target: Annotated[str | None, value("--target", help="Set the target build stage to build")] = None,
    platform: Annotated[
        str | None, value("--platform", help="Set platform if server is multi-platform capable")
    ] = None,
    network: Annotated[
        str | None, value("--network", help="Set the networking mode for the RUN instructions during build")
    ] = None,
    add_host: Annotated[
        list[str] | None, value("--add-host", metavar="list", help='Add a custom host-to-IP mapping ("host:ip")')
    ] = None,
    no_cache: Annotated[bool, switch("--no-cache", help="Do not use cache when building the image")] = False,
    pull: Annotated[bool, switch("--pull", help="Always attempt to pull a newer version of the image")] = False,
    quiet: Annotated[
        bool, switch("--quiet", "-q", help="Suppress the build output and print image ID on success")
    ] = False,
    memory_limit: Annotated[
        int | None, value("--memory", "-m", metavar="bytes", help="Memory limit", read=size)
    ] = None,
    shm_size: Annotated[int | None, value("--shm-size", metavar="bytes", help="Size of /dev/shm", read=size)] = None,
) -> None:
    """ImageBuild. What is ignored is left out by the daemon."""
    remote, context, dockerfile = _context(path, file)
    request = BuildRequest(
        dockerfile=dockerfile,
        remote=remote,
        tags=tuple(tag or ()),
        arguments=_arguments(build_arg or ()),
        labels=pairs(label or ()),
        target=target,
        platform=platform,
        network=network,
        extra_hosts=tuple(add_host or ()),
        no_cache=no_cache,
        pull=pull,
        quiet=quiet,
        memory=memory_limit,
        shm_size=shm_size,
        secrets=dict(_secret(each) for each in secret or ()),
    )
    show(client().images.build(context, request, auth=registries_auth()))


def _context(path: str, file: str | None) -> tuple[str | None, Iterable[bytes] | None, str]:
    """The address of the context, or what is sent; and the Dockerfile's path in it."""
    if path.startswith(("http://", "https://", "git://", "git@")):
        return path, None, file or "Dockerfile"
    if path == "-":
        return None, _from_stdin(file or "Dockerfile"), file or "Dockerfile"
    directory = os.path.realpath(path)
    if not os.path.isdir(directory):
        raise InvalidUsage(f'unable to prepare context: path "{path}" not found')
    whole = packed(Place(directory, exists=True, is_directory=True), lambda name: _inside(directory, name))
    dockerfile = os.path.realpath(file) if file is not None else os.path.join(directory, "Dockerfile")
    if not os.path.isfile(dockerfile):
        raise InvalidUsage(
            f"unable to evaluate symlinks in Dockerfile path: lstat {dockerfile}: no such file or directory"
        )
    relative = os.path.relpath(dockerfile, directory)
    if not relative.startswith("../"):
        return None, whole, relative
    name = f".dockerfile.{secrets.token_hex(10)}"
    return None, itertools.chain([_entry(name, Path(dockerfile).read_bytes())], whole), name


def _inside(directory: str, name: str) -> str:
    return "." + name[len(os.path.basename(directory)) :]


def _from_stdin(name: str) -> Iterator[bytes]:
    """An archive as it is, or a Dockerfile alone, in an archive of its own."""
    first = sys.stdin.buffer.read(_TEXT_BEGINS)
    if _is_archive(first):
        yield first
        while piece := sys.stdin.buffer.read(1 << 18):
            yield piece
        return
    yield _entry(name, first + sys.stdin.buffer.read(_MOST_OF_A_DOCKERFILE)) + bytes(2 * tarfile.BLOCKSIZE)


def _is_archive(beginning: bytes) -> bool:
    if beginning.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")):
        return True
    try:
        tarfile.TarInfo.frombuf(beginning, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _entry(name: str, content: bytes) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    whole = io.BytesIO(info.tobuf(tarfile.PAX_FORMAT) + content)
    return whole.getvalue() + bytes(-len(content) % tarfile.BLOCKSIZE)


def _arguments(given: Iterable[str]) -> dict[str, str | None]:
    """A name alone takes the value of the variable of that name, if there is one."""
    found: dict[str, str | None] = {}
    for each in given:
        name, equals, said = each.partition("=")
        found[name] = said if equals else os.environ.get(name)
    return found


def _secret(text: str) -> tuple[str, bytes]:
    """``id=NAME,src=FILE`` or ``id=NAME,env=VARIABLE``; without either, the variable or the file of that name."""
    said = pairs(part for part in text.split(",") if part != "type=file" and part != "type=env")
    name = said.get("id", "")
    if not name or set(said) - {"id", "src", "source", "env"}:
        raise InvalidUsage(f"invalid secret {text!r}: expected id=NAME and src=FILE or env=VARIABLE")
    variable = said.get("env") or ("" if said.keys() & {"src", "source"} else name)
    if variable in os.environ:
        return name, os.environb[os.fsencode(variable)]
    path = said.get("src") or said.get("source") or name
    try:
        return name, Path(path).read_bytes()
    except OSError as error:
        raise InvalidUsage(f"secret {name}: {path}: {(error.strerror or '').lower()}") from None
