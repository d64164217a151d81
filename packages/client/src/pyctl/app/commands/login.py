"""``pyctl login`` and ``logout``: credentials for a registry, kept where docker keeps them."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

import attrs

from pyctl.app.credentials import DOCKER_HUB, Credentials, Keyring
from pyctl.app.flags import operand, switch, value
from pyctl.app.session import client, complain, session
from pyctl.errors import InvalidUsage

_UNENCRYPTED = """
WARNING! Your credentials are stored unencrypted in '{path}'.
Configure a credential helper to remove this warning. See
https://docs.docker.com/go/credential-store/
"""
Server = Annotated[str | None, operand("[SERVER]")]


@attrs.frozen(kw_only=True)
class LoginFlags:
    """Who."""

    password: Annotated[str | None, value("--password", "-p", help="Password or Personal Access Token (PAT)")] = None
    password_stdin: Annotated[
        bool, switch("--password-stdin", help="Take the Password or Personal Access Token (PAT) from stdin")
    ] = False
    username: Annotated[str | None, value("--username", "-u", help="Username")] = None


def login(flags: LoginFlags, server: Server = None) -> None:
    """SystemAuth; what the registry takes is kept."""
    _check(flags)
    address = _address(server)
    user, password = _asked(flags, address)
    answer = client().system.login(user, password, address)
    keyring = Keyring.read(session().configuration)
    secret = answer.identity_token
    unencrypted = keyring.store(Credentials(address, user, "" if secret else password, identity_token=secret))
    if unencrypted:
        complain(_UNENCRYPTED.format(path=keyring.path))
    if answer.status:
        print(answer.status)


def logout(server: Server = None) -> None:
    """Forget the credentials of a registry."""
    address = _address(server)
    print(f"Removing login credentials for {address}", flush=True)
    Keyring.read(session().configuration).erase(address)


def _check(flags: LoginFlags) -> None:
    if flags.password is not None and flags.password_stdin:
        raise InvalidUsage("conflicting options: cannot specify both --password and --password-stdin")
    if flags.password_stdin and not flags.username:
        raise InvalidUsage("the --password-stdin option requires --username to be set")
    if flags.password is not None:
        complain("WARNING! Using --password via the CLI is insecure. Use --password-stdin.")


def _asked(flags: LoginFlags, address: str) -> tuple[str, str]:
    password = sys.stdin.read().rstrip("\r\n") if flags.password_stdin else flags.password
    if flags.username and password:
        return flags.username, password
    if not sys.stdin.isatty():
        raise InvalidUsage("Error: Cannot perform an interactive login from a non TTY device")
    user = flags.username or _line(address)
    password = password or getpass.getpass("Password: ")
    if not password:
        raise InvalidUsage("Error: Password Required")
    return user, password


def _line(address: str) -> str:
    known = Keyring.read(session().configuration).get(address)
    hint = f" ({known.username})" if known and known.username else ""
    user = input(f"Username{hint}: ").strip() or (known.username if known else "")
    if not user:
        raise InvalidUsage("Error: Non-null Username Required")
    return user


def _address(server: str | None) -> str:
    """The name under which credentials are kept: of the default registry its address of old, of others their host."""
    if not server or server in ("docker.io", "index.docker.io", "registry-1.docker.io"):
        return DOCKER_HUB
    if server == DOCKER_HUB:
        return server
    return server.removeprefix("https://").removeprefix("http://").partition("/")[0]
