"""What ``login`` keeps: credentials of registries, in docker's config.json or with one of docker's helpers; the daemon knows none of its own.

Source: docker's cli/config, and docker-credential-helpers.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import subprocess
from pathlib import Path
from typing import Final

import attrs

from pyctl.app.references import registry_host
from pyctl.app.session import session
from pyctl.configuration import read, write
from pyctl.errors import CommandFailed, InvalidConfiguration
from pyctl.models.fields import Json, JsonObject

DOCKER_HUB: Final = "https://index.docker.io/v1/"
_HELPER: Final = re.compile(r"[A-Za-z0-9._-]+")
_HELPER_SECONDS: Final = 30
_TOKEN: Final = "<token>"  # noqa: S105 - the user's name under which helpers keep tokens


@attrs.frozen
class Credentials:
    """Of one registry."""

    address: str
    username: str = ""
    password: str = attrs.field(default="", repr=False)
    identity_token: str = attrs.field(default="", repr=False)
    registry_token: str = attrs.field(default="", repr=False)

    def document(self) -> dict[str, str]:
        """As the API's AuthConfig."""
        named = {
            "username": self.username,
            "password": self.password,
            "identitytoken": self.identity_token,
            "registrytoken": self.registry_token,
        }
        return {**{name: value for name, value in named.items() if value}, "serveraddress": self.address}


def registry_auth(repository: str) -> str:
    """The header X-Registry-Auth for the registry of a repository: JSON in base64 of the kind for addresses; ``{}`` when nothing is known."""
    try:
        keyring = Keyring.read(session().configuration)
    except InvalidConfiguration:
        keyring = Keyring(session().configuration, {})  # as docker: a warning at most
    host = registry_host(repository)
    found = keyring.get(DOCKER_HUB if host in ("docker.io", "index.docker.io") else host)
    return base64.urlsafe_b64encode(json.dumps(found.document() if found else {}).encode()).decode()


def registries_auth() -> str | None:
    """The header X-Registry-Config: all that is known of registries, since a build may take images from each; None when nothing is."""
    try:
        keyring = Keyring.read(session().configuration)
    except InvalidConfiguration:
        return None
    known = {address: found.document() for address in keyring.addresses if (found := keyring.get(address)) is not None}
    return base64.urlsafe_b64encode(json.dumps(known).encode()).decode() if known else None


class Keyring:
    """The credentials of a configuration directory."""

    def __init__(self, directory: Path, document: JsonObject) -> None:
        self._directory = directory
        self._document = document

    @classmethod
    def read(cls, directory: Path) -> Keyring:
        """Raises `InvalidConfiguration`."""
        return cls(directory, read(directory))

    @property
    def path(self) -> Path:
        """The file."""
        return self._directory / "config.json"

    @property
    def addresses(self) -> tuple[str, ...]:
        """Those of the registries that the file names."""
        found = [self._document.get(name) for name in ("auths", "credHelpers")]
        return tuple(dict.fromkeys(address for each in found if isinstance(each, dict) for address in each))

    def get(self, address: str) -> Credentials | None:
        """Those of a registry: of the helper that it has, then of the file."""
        return self._from_helper(address) or self._from_file(address)

    def store(self, credentials: Credentials) -> bool:
        """Keep them; whether they can be read by whoever reads the file."""
        address = credentials.address
        if (helper := self._helper(address)) is not None:
            name = _TOKEN if credentials.identity_token else credentials.username
            secret = credentials.identity_token or credentials.password
            message = {"ServerURL": address, "Username": name, "Secret": secret}
            _run(helper, "store", json.dumps(message))
            self._put(address, {})  # docker's mark that there is something with the helper
            return False
        plain = base64.b64encode(f"{credentials.username}:{credentials.password}".encode()).decode()
        entry: JsonObject = {"auth": plain}
        if credentials.identity_token:
            entry["identitytoken"] = credentials.identity_token
        self._put(address, entry)
        return True

    def erase(self, address: str) -> None:
        """Forget those of a registry, under each name that it may have."""
        helper = self._helper(address)
        if helper is not None:
            _run(helper, "erase", address)
        entries = self._entries()
        kept = {name: entry for name, entry in entries.items() if name not in _names(address)}
        if kept != entries:
            write(self._directory, {**self._document, "auths": kept})

    def _entries(self) -> JsonObject:
        entries = self._document.get("auths")
        return entries if isinstance(entries, dict) else {}

    def _put(self, address: str, entry: Json) -> None:
        write(self._directory, {**self._document, "auths": {**self._entries(), address: entry}})

    def _from_file(self, address: str) -> Credentials | None:
        for name in _names(address):
            entry = self._entries().get(name)
            if isinstance(entry, dict) and entry:
                return _credentials(entry, address)
        return None

    def _helper(self, address: str) -> str | None:
        helpers = self._document.get("credHelpers")
        own = helpers.get(address) if isinstance(helpers, dict) else None
        helper = own or self._document.get("credsStore")
        return f"docker-credential-{helper}" if isinstance(helper, str) and _HELPER.fullmatch(helper) else None

    def _from_helper(self, address: str) -> Credentials | None:
        helper = self._helper(address)
        if helper is None:
            return None
        try:
            answer = json.loads(_run(helper, "get", address, required=False) or "{}")
        except ValueError as error:
            raise CommandFailed(f"error getting credentials: {helper}: no JSON: {error}", 1) from error
        if not isinstance(answer, dict) or not answer.get("Secret"):
            return None
        name, secret = str(answer.get("Username") or ""), str(answer["Secret"])
        if name == _TOKEN:
            return Credentials(address, identity_token=secret)
        return Credentials(address, name, secret)


def _names(address: str) -> tuple[str, ...]:
    return address, f"https://{address}", f"http://{address}"


def _credentials(entry: JsonObject, address: str) -> Credentials:
    user, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if entry.get("auth"):
        try:
            text = base64.b64decode(str(entry["auth"]), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            text = ""
        user, _, password = text.partition(":")
    return Credentials(
        address,
        user,
        password.rstrip("\0"),
        identity_token=str(entry.get("identitytoken") or ""),
        registry_token=str(entry.get("registrytoken") or ""),
    )


def _run(helper: str, verb: str, text: str, *, required: bool = True) -> str:
    """What a helper says. One that knows nothing ends with an error, which is none where it is not ``required``."""
    try:
        done = subprocess.run(
            [helper, verb], input=text, capture_output=True, text=True, timeout=_HELPER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandFailed(f"error {_ACTS[verb]} credentials: {helper}: {type(error).__name__}", 1) from error
    if done.returncode == 0:
        return done.stdout
    if required:
        said = (done.stdout or done.stderr).strip()
        raise CommandFailed(f"error {_ACTS[verb]} credentials: {helper}: {said or f'exit code {done.returncode}'}", 1)
    return ""


_ACTS: Final = {"get": "getting", "store": "storing", "erase": "erasing"}
