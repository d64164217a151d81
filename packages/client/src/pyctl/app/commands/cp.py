"""``pyctl cp``: files out of a container and into one, or an archive of them from standard input and to standard output."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Final

import attrs

from pyctl.app.copying.paths import (
    Place,
    arrival,
    chained,
    clean,
    followed,
    in_container,
    link_target,
    renaming,
    split,
)
from pyctl.app.flags import operand, switch
from pyctl.app.format.units import decimal_size
from pyctl.app.session import client, complain
from pyctl.app.terminal import console
from pyctl.app.terminal.meter import Meter
from pyctl.errors import ApiError, InvalidUsage

if TYPE_CHECKING:
    from pyctl.models.containers import PathStat

_PIECE: Final = 1 << 16


@attrs.frozen(kw_only=True)
class CopyFlags:
    """How it is copied."""

    archive: Annotated[bool, switch("--archive", "-a", help="Archive mode (copy all uid/gid information)")] = False
    follow_link: Annotated[bool, switch("--follow-link", "-L", help="Always follow symbol link in SRC_PATH")] = False
    quiet: Annotated[
        bool | None,
        switch(
            "--quiet/--no-quiet",
            "-q",
            help=(
                "Suppress progress output during copy. Progress output is automatically suppressed if no terminal is "
                "attached"
            ),
        ),
    ] = None


def cp(
    source: Annotated[str, operand("CONTAINER:SRC_PATH|SRC_PATH|-")],
    destination: Annotated[str, operand("DEST_PATH|-|CONTAINER:DEST_PATH")],
    flags: CopyFlags,
) -> None:
    """ContainerArchive or PutContainerArchive."""
    if not source:
        raise InvalidUsage("source can not be empty")
    if not destination:
        raise InvalidUsage("destination can not be empty")
    (source_container, source_path), (container, path) = in_container(source), in_container(destination)
    if source_container and container:
        raise InvalidUsage("copying between containers is not supported")
    if source_container:
        _fetch(source_container, source_path, path, flags)
    elif container:
        _send(source_path, container, path, flags)
    else:
        raise InvalidUsage("must specify at least one container source")


def _fetch(container: str, source: str, path: str, flags: CopyFlags) -> None:
    if path != "-":
        path = clean(os.path.abspath(path) + ("/" if path.endswith("/") else ""))
        _check_output(path)
    wanted, asked = _end_of_link(container, source) if flags.follow_link else (source, "")
    pieces, found = client().containers.get_archive(container, wanted)
    if path == "-":
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        return
    from pyctl.app.copying.unpacking import target, unpack

    place = Place(wanted, exists=True, is_directory=found.is_directory, asked=asked)
    directory, rename = arrival(place, target(path))
    if asked:
        rename = chained(renaming(split(wanted)[1], asked), rename)
    with Meter("Copying from container", shown=_shown(flags)) as meter:
        unpack(meter.counted(pieces), directory, rename)
    _told(meter, path)


def _send(source: str, container: str, path: str, flags: CopyFlags) -> None:
    wanted, found = _destination(container, path)
    if found is not None and found.is_device:
        raise InvalidUsage(f'destination "{container}:{path}" must be a directory or a regular file: got a device')
    place = Place(wanted, exists=found is not None, is_directory=found is not None and found.is_directory)
    if source == "-":
        if not place.is_directory:
            raise InvalidUsage(f'destination "{container}:{path}" must be a directory')
        _put(container, place.path, _standard_input(), flags)
        return
    from pyctl.app.copying import packing

    what = packing.source(source, follow=flags.follow_link)
    directory, rename = arrival(what, place)
    with Meter("Copying to container", shown=_shown(flags)) as meter:
        _put(container, directory, meter.counted(packing.packed(what, rename)), flags)
    _told(meter, f"{container}:{place.path}")


def _standard_input() -> Iterator[bytes]:
    while piece := os.read(console.STDIN, _PIECE):
        yield piece


def _put(container: str, directory: str, pieces: Iterable[bytes], flags: CopyFlags) -> None:
    client().containers.put_archive(container, directory, pieces, keep_kinds=True, owners_of_container=flags.archive)


def _destination(container: str, path: str) -> tuple[str, PathStat | None]:
    """The path in the container, through a link at its end, and what is there; None also where that is not to be known yet."""
    found = _stat(container, path)
    if found is None or not found.is_link:
        return clean(path), found
    wanted = link_target(path, found.link_target)
    return wanted, _stat(container, wanted)


def _end_of_link(container: str, path: str) -> tuple[str, str]:
    """The target of a link, and the name that it was asked for by, where it is one."""
    found = _stat(container, path)
    return followed(path, link_target(path, found.link_target)) if found is not None and found.is_link else (path, "")


def _stat(container: str, path: str) -> PathStat | None:
    try:
        return client().containers.stat(container, path)
    except ApiError:
        return None  # what follows tells what is wrong, if anything is


def _check_output(path: str) -> None:
    """Raise `InvalidUsage` where no file can be made at a path."""
    directory = os.path.dirname(os.path.normpath(path))
    if not os.path.exists(directory):
        raise InvalidUsage(f'invalid output path: directory "{directory}" does not exist')
    with contextlib.suppress(FileNotFoundError):
        kind = os.stat(path).st_mode
        if stat.S_ISBLK(kind) or stat.S_ISCHR(kind):
            raise InvalidUsage(f'invalid output path: "{path}" must be a directory or a regular file: got a device')


def _shown(flags: CopyFlags) -> bool:
    return sys.stdout.isatty() if flags.quiet is None else not flags.quiet


def _told(meter: Meter, path: str) -> None:
    if meter.shown:
        complain(f"Successfully copied {decimal_size(meter.count, 3)} to {path}")
