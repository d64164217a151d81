"""``pyctl doctor``: whether this machine and the daemon are well, and what to do where they are not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from pyctl.app.doctor import CHECKS, FAILURE, OK, WARNING, Finding, space
from pyctl.app.session import client, session
from pyctl.errors import PyctlError
from pyctl.models.fields import Json


def doctor() -> int:
    """SystemInfo, and files of this machine; the exit code is 1 when something cannot work. Starts no daemon."""
    findings = [*_machine(), *_daemon()]
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        print(f"{finding.state:<8} {finding.subject:<{width}}  {finding.text}")
        if finding.advice:
            print(f"{'':<8} {'':<{width}}  try: {finding.advice}")
    return int(any(finding.state == FAILURE for finding in findings))


def _machine() -> Iterator[Finding]:
    """Of this machine, where the daemon is on it."""
    if session().target.endpoint().path is not None:
        yield from (check(Path("/")) for check in CHECKS)


def _daemon() -> Iterator[Finding]:
    host = session().target.host
    path = session().target.endpoint().path
    if session().target.is_default and path is not None and not Path(path).exists():
        yield Finding("daemon", WARNING, f"none listens at {host}", "the next command starts one, if root gives it")
        return
    try:
        version, info = client().system.version(), client().system.info()
    except PyctlError as error:
        advice = "run as root, or as a member of the socket's group" if "permission denied" in str(error) else ""
        yield Finding(
            "daemon",
            FAILURE,
            str(error),
            advice or "start pydockerd, or say where it is: --host, PYCTL_HOST, a context",
        )
        return
    yield Finding("daemon", OK, f"{version.platform.name or 'docker'} {version.version} at {host}")
    yield from (Finding("daemon", WARNING, text) for text in _texts(info.get("Warnings")))
    directory = Path(str(info.get("DockerRootDir") or "/"))
    if path is not None and directory.exists():
        yield space(directory, shutil.disk_usage(directory).free)


def _texts(value: Json) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
