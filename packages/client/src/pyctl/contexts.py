"""docker's contexts: named daemons, each with its address and its TLS files, in ``contexts`` of the configuration directory.

``meta/SHA256-OF-THE-NAME/meta.json`` says what it is, ``tls/SHA256-OF-THE-NAME/docker/`` has ``ca.pem``, ``cert.pem`` and ``key.pem``. The context
``default`` is none of these: it is what flags and environment say.

Source: docker's cli/context/store.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from pyctl.configuration import write_file
from pyctl.errors import InvalidContext
from pyctl.models.fields import Json, JsonObject

DEFAULT: Final = "default"
TLS_FILES: Final = ("ca.pem", "cert.pem", "key.pem")
_NAME: Final = "^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$"
_DOCKER: Final = "docker"


@attrs.frozen
class Context:
    """One of them."""

    name: str
    description: str = ""
    host: str = ""
    skip_tls_verify: bool = False
    tls: Mapping[str, bytes] = attrs.field(factory=dict, repr=False)
    """Contents of ``ca.pem``, ``cert.pem`` and ``key.pem``, as far as it has them."""
    document: JsonObject = attrs.field(factory=dict, repr=False)
    """``meta.json`` as it was found, with what others have put there."""

    def meta(self) -> JsonObject:
        """``meta.json`` as it is to be."""
        kept = {key: value for key, value in _object(self.document.get("Metadata")).items() if key != "Description"}
        about: JsonObject = {"Description": self.description, **kept} if self.description else kept
        endpoint: JsonObject = {"Host": self.host, "SkipTLSVerify": self.skip_tls_verify}
        endpoints: JsonObject = {**_object(self.document.get("Endpoints")), _DOCKER: endpoint}
        return {"Name": self.name, "Metadata": about, "Endpoints": endpoints}


def check_name(name: str) -> None:
    """Raise `InvalidContext` where a context cannot have this name."""
    if not name:
        raise InvalidContext("context name cannot be empty")
    if name == DEFAULT:
        raise InvalidContext('"default" is a reserved context name')
    if re.fullmatch(_NAME, name) is None:
        raise InvalidContext(f'context name "{name}" is invalid, names are validated against regexp "{_NAME}"')


class ContextStore:
    """The contexts of a configuration directory. Raises `InvalidContext`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "contexts"

    def meta_directory(self, name: str) -> Path:
        """Where it is described."""
        return self._directory / "meta" / _digest(name)

    def tls_directory(self, name: str) -> Path:
        """Where its TLS files are."""
        return self._directory / "tls" / _digest(name)

    def list(self) -> list[Context]:
        """All of them, by name."""
        found = (self._directory / "meta").glob("*/meta.json")
        return sorted((self._read(path) for path in found), key=lambda context: context.name)

    def get(self, name: str) -> Context:
        """The one with this name."""
        path = self.meta_directory(name) / "meta.json"
        if not path.is_file():
            raise InvalidContext(f'context "{name}": context not found: open {path}: no such file or directory')
        return self._read(path)

    def exists(self, name: str) -> bool:
        return (self.meta_directory(name) / "meta.json").is_file()

    def put(self, context: Context) -> None:
        """Keep it; one of that name is replaced."""
        check_name(context.name)
        meta, tls = self.meta_directory(context.name), self.tls_directory(context.name)
        shutil.rmtree(tls, ignore_errors=True)
        if context.tls:
            (tls / _DOCKER).mkdir(parents=True, mode=0o700)
            for name, data in context.tls.items():
                write_file(tls / _DOCKER / name, data)
        # Last: a context without its description is none.
        meta.mkdir(parents=True, exist_ok=True)
        write_file(meta / "meta.json", json.dumps(context.meta(), separators=(",", ":")).encode(), 0o644)

    def remove(self, name: str) -> None:
        """Forget it."""
        if not self.exists(name):
            raise InvalidContext(f'context "{name}" does not exist')
        shutil.rmtree(self.meta_directory(name))
        shutil.rmtree(self.tls_directory(name), ignore_errors=True)

    def _read(self, path: Path) -> Context:
        try:
            context = parse(path.read_bytes(), str(path))
        except OSError as error:
            raise InvalidContext(f"{path}: {error.strerror}") from error
        tls = self.tls_directory(context.name) / _DOCKER
        return attrs.evolve(
            context, tls={name: (tls / name).read_bytes() for name in TLS_FILES if (tls / name).is_file()}
        )


def parse(data: bytes, where: str) -> Context:
    """Read a ``meta.json``; raises `InvalidContext`."""
    try:
        document: Json = json.loads(data)
    except ValueError as error:
        raise InvalidContext(f"{where}: no JSON: {error}") from error
    found = _object(document)
    endpoint = _object(_object(found.get("Endpoints")).get(_DOCKER))
    return Context(
        name=str(found.get("Name") or ""),
        description=str(_object(found.get("Metadata")).get("Description") or ""),
        host=str(endpoint.get("Host") or ""),
        skip_tls_verify=endpoint.get("SkipTLSVerify") is True,
        document=found,
    )


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
