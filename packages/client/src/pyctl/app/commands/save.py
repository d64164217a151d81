"""``pyctl save``: images as an archive."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pyctl.app.flags import operand, value
from pyctl.app.session import client
from pyctl.errors import InvalidUsage


def save(
    images: Annotated[list[str], operand("IMAGE [IMAGE...]")],
    output: Annotated[str | None, value("--output", "-o", help="Write to a file, instead of STDOUT")] = None,
    platform: Annotated[str | None, value("--platform", help="Save only the given platform variant")] = None,
) -> None:
    """ImageGetAll."""
    if output is None:
        if sys.stdout.isatty():
            raise InvalidUsage("cowardly refusing to save to a terminal. Use the -o flag or redirect")
        for piece in client().images.save(images, platform=platform):
            sys.stdout.buffer.write(piece)
        return
    path = Path(output)
    if not path.parent.is_dir():
        raise InvalidUsage(f"failed to save image: invalid output path: directory {str(path.parent)!r} does not exist")
    _write(path, client().images.save(images, platform=platform))


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    """Under another name first: a download that breaks off leaves nothing that looks like an archive."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            for piece in pieces:
                file.write(piece)
        os.rename(name, path)
    except BaseException:
        os.unlink(name)
        raise
