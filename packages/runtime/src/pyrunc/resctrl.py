"""linux.intelRdt: groups of resctrl, by which the processors share out cache and memory bandwidth (config-linux.md, IntelRdt).

A group is a directory. One named by ``closID`` may be shared and stays; the container's own, and its monitoring group, go with it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import evolve

from pyrunc.errors import CgroupError, SpecError

if TYPE_CHECKING:
    from pyrunc.compile import RdtGroup

PATH = "linux.intelRdt"


def join(group: RdtGroup, pid: int) -> None:
    """Make ``group`` if it is not there, and put the process into it; what was made is removed again on failure.

    Raises CgroupError naming the field that was refused, with what the kernel says of it; SpecError where the group exists already with
    other shares.
    """
    made = _make(group)
    undo = created(evolve(group, own=made))
    try:
        if made:
            _write_schemata(group)
        else:
            _compare(group)
        _write(f"{group.directory}/tasks", str(pid), PATH)
        if group.monitored_as:
            _monitor(group, pid)
    except BaseException:
        leave(undo)
        raise


def change(group: RdtGroup) -> None:
    """Give a group that is there the shares of ``group``; what they do not name stays. Raises CgroupError with what the kernel says of it."""
    _write_schemata(group)


def created(group: RdtGroup) -> tuple[str, ...]:
    """The directories that are to be removed with the container; the group first."""
    monitoring = (f"{group.directory}/mon_groups/{group.monitored_as}",) if group.monitored_as else ()
    return ((group.directory,) if group.own else ()) + monitoring


def leave(directories: Sequence[str]) -> None:
    """Remove groups, those within others first. A group that is gone, or that never came to be, is no error."""
    for directory in reversed(directories):
        with suppress(OSError):
            os.rmdir(directory)


def _make(group: RdtGroup) -> bool:
    try:
        os.mkdir(group.directory, 0o755)
    except FileExistsError:
        return False
    except OSError as error:
        raise _refused(f"{PATH}.closID", group.directory, error) from error
    return True


def _write_schemata(group: RdtGroup) -> None:
    if group.schemata:
        _write(f"{group.directory}/schemata", "".join(f"{line}\n" for line in group.schemata), f"{PATH}.schemata")


def _compare(group: RdtGroup) -> None:
    """A group that was there is not changed: others may be in it."""
    with open(f"{group.directory}/schemata", encoding="utf-8") as file:
        there = {shares for line in file for shares in _shares(line)}
    for line in group.schemata:
        if missing := _shares(line) - there:
            resource, _, value = min(missing).partition(":")
            raise SpecError(
                f"{PATH}.closID", f"the group exists, without {resource}:{value} in its schemata", group.directory
            )


def _shares(line: str) -> set[str]:
    """``L3:0=f;1=3`` → ``L3:0=f``, ``L3:1=3``, without zeroes in front, in which the kernel's answer may differ."""
    resource, _, domains = line.strip().partition(":")
    found = set()
    for domain in domains.split(";"):
        number, _, value = domain.strip().partition("=")
        if number:
            found.add(f"{resource.strip()}:{number.lstrip('0') or '0'}={value.strip().lower().lstrip('0') or '0'}")
    return found


def _monitor(group: RdtGroup, pid: int) -> None:
    directory = f"{group.directory}/mon_groups/{group.monitored_as}"
    try:
        os.mkdir(directory, 0o755)
    except FileExistsError:
        pass
    except OSError as error:
        raise _refused(f"{PATH}.enableMonitoring", directory, error) from error
    _write(f"{directory}/tasks", str(pid), f"{PATH}.enableMonitoring")


def _write(file: str, text: str, path: str) -> None:
    try:
        with open(file, "w", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise _refused(path, file, error) from error


def _refused(path: str, file: str, error: OSError) -> CgroupError:
    """The kernel explains itself in a file of its own."""
    said = ""
    with suppress(OSError), open(f"{_mount_of(file)}/info/last_cmd_status", encoding="utf-8") as status:
        said = status.read().strip()
    return CgroupError(path, f"{file}" + (f": {said}" if said and said != "ok" else ""), error.errno or 0)


def _mount_of(file: str) -> str:
    while file not in ("", "/") and not os.path.exists(f"{file}/info"):
        file = os.path.dirname(file)
    return file
