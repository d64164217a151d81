"""docker's configuration directory and its ``config.json``: credentials, the current context, and whatever else others keep in it.

Source: docker's cli/config.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pyctl.errors import InvalidConfiguration
from pyctl.models.fields import Json, JsonObject


def directory_of(flag: str | None, environ: Mapping[str, str]) -> Path:
    """``--config``, DOCKER_CONFIG or ~/.docker."""
    given = flag or environ.get("DOCKER_CONFIG")
    return Path(given) if given else Path("~/.docker").expanduser()


def read(directory: Path) -> JsonObject:
    """The whole document; empty where there is none. Raises `InvalidConfiguration` for one that is no JSON object."""
    path = directory / "config.json"
    try:
        found: Json = json.loads(path.read_text(encoding="utf-8") or "{}")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise InvalidConfiguration(f"{path}: {error}: repair it or move it away") from error
    if not isinstance(found, dict):
        raise InvalidConfiguration(f"{path}: expected a JSON object: repair it or move it away")
    return found


def write(directory: Path, document: JsonObject) -> None:
    """Replace the document as a whole, for its owner alone; where it is a link, what that leads to."""
    path = Path(os.path.realpath(directory / "config.json"))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_file(path, json.dumps(document, indent="\t", ensure_ascii=False).encode())


def write_file(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file that is whole or not there. An existing one keeps its mode."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
        with contextlib.suppress(FileNotFoundError):
            mode = path.stat().st_mode & 0o777
        os.chmod(name, mode)
        os.rename(name, path)
    except BaseException:
        os.unlink(name)
        raise
