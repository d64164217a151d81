"""What ``docker login`` has left, as the header X-Registry-Auth: the daemon knows no credentials of its own.

Source: docker's cli/config, and docker-credential-helpers.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pyctl.app.references import registry_host
from pyctl.errors import CommandFailed

_DOCKER_HUB: Final = "https://index.docker.io/v1/"
_HELPER: Final = re.compile(r"[A-Za-z0-9._-]+")
_HELPER_SECONDS: Final = 30


def registry_auth(repository: str) -> str:
    """The header for the registry of a repository: JSON in base64 of the kind for addresses. ``{}`` when there is nothing to say."""
    document = _document()
    address = _address(repository)
    found = _from_helper(document, address) or _from_file(document, address)
    return base64.urlsafe_b64encode(json.dumps(found).encode()).decode()


def _document() -> Mapping[str, object]:
    directory = os.environ.get("DOCKER_CONFIG")
    path = Path(directory) if directory else Path("~/.docker").expanduser()
    try:
        found = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # as docker: a warning at most
    return found if isinstance(found, dict) else {}


def _address(repository: str) -> str:
    """The name under which docker keeps the credentials of a registry."""
    host = registry_host(repository)
    return _DOCKER_HUB if host in ("docker.io", "index.docker.io") else host


def _from_file(document: Mapping[str, object], address: str) -> dict[str, str]:
    entries = document.get("auths")
    if not isinstance(entries, dict):
        return {}
    for name in (address, f"https://{address}", f"http://{address}"):
        entry = entries.get(name)
        if isinstance(entry, dict):
            return _credentials(entry, address)
    return {}


def _credentials(entry: Mapping[str, object], address: str) -> dict[str, str]:
    named = {name: str(entry.get(name) or "") for name in ("username", "password", "identitytoken", "registrytoken")}
    if entry.get("auth"):
        try:
            text = base64.b64decode(str(entry["auth"]), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            text = ""
        named["username"], _, password = text.partition(":")
        named["password"] = password.rstrip("\0")
    return {**{name: value for name, value in named.items() if value}, "serveraddress": address}


def _from_helper(document: Mapping[str, object], address: str) -> dict[str, str]:
    helpers = document.get("credHelpers")
    own = helpers.get(address) if isinstance(helpers, dict) else None
    helper = own or document.get("credsStore")
    if not isinstance(helper, str) or not _HELPER.fullmatch(helper):
        return {}
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, "get"], input=address, capture_output=True, text=True, timeout=_HELPER_SECONDS, check=False
        )
        answer = json.loads(done.stdout) if done.returncode == 0 else {}
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise CommandFailed(f"error getting credentials: {program}: {type(error).__name__}", 1) from error
    if not isinstance(answer, dict) or not answer.get("Secret"):
        return {}
    name, secret = str(answer.get("Username") or ""), str(answer["Secret"])
    if name == "<token>":
        return {"identitytoken": secret, "serveraddress": address}
    return {"username": name, "password": secret, "serveraddress": address}
