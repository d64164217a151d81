"""Who we are to a registry: given by the caller, or found where ``docker login`` has put it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from attrs import field, frozen

from pycontainerd.errors import AccessDenied, InvalidInput

_HELPER_SECONDS: Final = 30.0
_HELPER_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_DOCKER_HUB: Final = "https://index.docker.io/v1/"
"""The name under which docker keeps the credentials for docker.io."""


@frozen(kw_only=True)
class Credentials:
    """A name and a password, or an ``identity_token`` of the token server, or a ``registry_token`` that is shown as it is. Empty: nobody.

    The secrets are in no ``repr``.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.username or self.identity_token or self.registry_token)

    def basic(self) -> str:
        """The value of an ``Authorization`` header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


NOBODY: Final = Credentials()


class Keychain(Protocol):
    """Where credentials are."""

    async def find(self, host: str) -> Credentials:
        """Those for a registry (``NAME``, ``NAME:PORT``, ``docker.io``); NOBODY when there are none. AccessDenied when they cannot be had."""
        ...


@frozen
class Given:
    """The caller's own, for one registry and no other."""

    host: str
    credentials: Credentials

    async def find(self, host: str) -> Credentials:
        """See `Keychain`."""
        return self.credentials if host == self.host else NOBODY


@frozen
class DockerConfig:
    """A docker configuration file, read anew each time: ``docker login`` may have been there meanwhile."""

    path: Path

    @classmethod
    def usual(cls) -> DockerConfig:
        """The user's own."""
        directory = os.environ.get("DOCKER_CONFIG")
        return cls(Path(directory) / "config.json" if directory else Path("~/.docker/config.json").expanduser())

    async def find(self, host: str) -> Credentials:
        """See `Keychain`. A helper for the host comes first, then the one for all, then what is in the file itself."""
        document = await asyncio.to_thread(self._read)
        if document is None:
            return NOBODY
        helper = _table(document, "credHelpers").get(host) or document.get("credsStore")
        if helper:
            for name in _names(host):
                found = await _ask(str(helper), name, host)
                if found is not None:
                    return found
        return self._stored(document, host)

    def _read(self) -> dict[str, Any] | None:
        try:
            document = json.loads(self.path.read_text())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{self.path}: cannot be read as a docker configuration: {error}") from error
        if not isinstance(document, dict):
            raise InvalidInput(f"{self.path}: expected an object")
        return document

    def _stored(self, document: Mapping[str, Any], host: str) -> Credentials:
        entries = _table(document, "auths")
        for name in _names(host):
            entry = entries.get(name)
            if isinstance(entry, dict):
                return _entry(entry, f"{self.path}: auths: {name}")
        return NOBODY


def _names(host: str) -> tuple[str, ...]:
    """Under which names the credentials of a host may be kept."""
    if host == "docker.io":
        return (_DOCKER_HUB, "docker.io", "index.docker.io", "registry-1.docker.io")
    return (host, f"https://{host}", f"http://{host}", f"https://{host}/v1/", f"https://{host}/v2/", f"https://{host}/")


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _entry(entry: Mapping[str, Any], where: str) -> Credentials:
    username, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if entry.get("auth"):
        try:
            username, _, password = base64.b64decode(str(entry["auth"]), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise InvalidInput(f"{where}: auth: not what docker login writes; log in again") from None
    return Credentials(
        username=username,
        password=password.rstrip("\0"),
        identity_token=str(entry.get("identitytoken") or ""),
        registry_token=str(entry.get("registrytoken") or ""),
    )


async def _ask(helper: str, name: str, host: str) -> Credentials | None:
    """``docker-credential-HELPER get``, with the name on its standard input (docker-credential-helpers, README). None: it knows none."""
    program = f"docker-credential-{helper}"
    if not _HELPER_NAME.fullmatch(helper):
        raise AccessDenied(host, f"{helper!r} is not the name of a credential helper")
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise AccessDenied(host, f"the credential helper {program} cannot be run: {error.strerror}") from error
    try:
        async with asyncio.timeout(_HELPER_SECONDS):
            said, _ = await process.communicate(name.encode())
    except TimeoutError:
        raise AccessDenied(
            host, f"the credential helper {program} did not answer in {_HELPER_SECONDS:.0f} seconds"
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        if b"not found" in said:
            return None
        raise AccessDenied(host, f"the credential helper {program} ended with {process.returncode}")
    return _said(said, program, host)


def _said(said: bytes, program: str, host: str) -> Credentials:
    try:
        answer = json.loads(said)
        username, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError):
        raise AccessDenied(host, f"the credential helper {program} said nothing that can be understood") from None
    if username == "<token>":
        return Credentials(identity_token=secret)
    return Credentials(username=username, password=secret)
