"""``--userns-remap``: whose subordinate ids (subuid(5), subgid(5)) the users of containers have on the machine.

dockerd keeps a store of its own for each such user, below its data root, because it changes the owners of all files in it. Here layers are mounted with
their owners mapped, so one store does for all, and containers that were created under another setting go on with theirs.
"""

from __future__ import annotations

import grp
import logging
import pwd
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import frozen

from pycontainerd import IdMapping
from pydockerd.errors import ConfigError

_DEFAULT: Final = "default"
_DEFAULT_USER: Final = "dockremap"
_FIRST: Final = 100_000
_COUNT: Final = 65_536
"""What useradd(8) gives to a user, and where it begins."""

_logger = logging.getLogger("pydockerd")


@frozen
class Remapping:
    """Whose ids they are, and which: the first of them are root's in each container."""

    user: str
    group: str
    uids: tuple[IdMapping, ...]
    gids: tuple[IdMapping, ...]


def remapping(said: str, etc: Path = Path("/etc")) -> Remapping | None:
    """What ``user``, ``user:group``, either of them a number, or ``default`` stands for; None for nothing, and for root. ConfigError in dockerd's words.

    ``default`` is the user dockremap, who is made, with ranges of his own, if there is none.
    """
    if not said:
        return None
    user, colon, group = said.partition(":")
    if ":" in group or not user or (colon and not group):
        raise ConfigError(f'Invalid user/group specification in --userns-remap: "{said}"')
    if said == _DEFAULT:
        _make_default(etc)
    name = _user(_DEFAULT_USER if user == _DEFAULT else user)
    if name == "root":
        _logger.warning("User namespaces: root cannot be remapped with itself; user namespaces are OFF")
        return None
    found = Remapping(
        user=name,
        group=_group(group or (user if user.isdecimal() else name)),
        uids=_mappings(etc / "subuid", name),
        gids=_mappings(etc / "subgid", name),
    )
    _logger.info("User namespaces: ID ranges will be mapped to subuid/subgid ranges of: %s", name)
    return found


def ranges(text: str, user: str, uid: int) -> tuple[tuple[int, int], ...]:
    """The first id and the number of ids of each range that a file gives to a user, by name or number, in its order. Damaged lines give nothing."""
    found = []
    for line in text.splitlines():
        owner, *numbers = line.strip().split(":")
        if owner in {user, str(uid)} and len(numbers) == 2 and all(one.isdecimal() for one in numbers):
            first, count = map(int, numbers)
            if count:
                found.append((first, count))
    return tuple(found)


def _user(said: str) -> str:
    try:
        return pwd.getpwuid(int(said)).pw_name if said.isdecimal() else pwd.getpwnam(said).pw_name
    except (KeyError, OverflowError):
        if said.isdecimal():
            raise ConfigError(f"Uid {said} has no entry in /etc/passwd") from None
        raise ConfigError(f'Error during uid lookup for "{said}": no such user') from None


def _group(said: str) -> str:
    try:
        return grp.getgrgid(int(said)).gr_name if said.isdecimal() else grp.getgrnam(said).gr_name
    except (KeyError, OverflowError):
        if said.isdecimal():
            raise ConfigError(f"Gid {said} has no entry in /etc/group") from None
        raise ConfigError(f'Error during gid lookup for "{said}": no such group') from None


def _mappings(file: Path, user: str) -> tuple[IdMapping, ...]:
    found = tuple(_stacked(ranges(_read(file), user, pwd.getpwnam(user).pw_uid)))
    if not found:
        raise ConfigError(
            f"Can't create ID mappings: no {file.name} ranges found for user {user}: add a line such as {user}:{_FIRST}:{_COUNT} to {file}"
        )
    return found


def _stacked(found: tuple[tuple[int, int], ...]) -> Iterator[IdMapping]:
    """In the container they follow one another from 0."""
    inside = 0
    for first, count in found:
        yield IdMapping(container_id=inside, host_id=first, size=count)
        inside += count


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _make_default(etc: Path) -> None:
    """As dockerd: a system user, and a range for him behind all others of each file."""
    try:
        uid = pwd.getpwnam(_DEFAULT_USER).pw_uid
    except KeyError:
        words = ("--system", "--user-group", "--no-create-home", "--home-dir", "/", "--shell", "/bin/false")
        _run("useradd", *words, _DEFAULT_USER)
        uid = pwd.getpwnam(_DEFAULT_USER).pw_uid
    for name, flag in (("subuid", "--add-subuids"), ("subgid", "--add-subgids")):
        text = _read(etc / name)
        if not ranges(text, _DEFAULT_USER, uid):
            first = _behind_all(text)
            _run("usermod", flag, f"{first}-{first + _COUNT - 1}", _DEFAULT_USER)


def _behind_all(text: str) -> int:
    ends = [_FIRST]
    for line in text.splitlines():
        _, *numbers = line.strip().split(":")
        if len(numbers) == 2 and all(one.isdecimal() for one in numbers):
            ends.append(sum(map(int, numbers)))
    return max(ends)


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise ConfigError(f'Error during "{_DEFAULT_USER}" user creation: {command[0]}: {error.strerror}') from error
    if done.returncode:
        said = done.stderr.strip() or f"exit code {done.returncode}"
        raise ConfigError(f'Error during "{_DEFAULT_USER}" user creation: {command[0]}: {said}')
