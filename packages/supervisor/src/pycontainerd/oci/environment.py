"""The environment of a container's process: docker's own variables, then the image's and the user's."""

from __future__ import annotations

from collections.abc import Iterable

from pycontainerd.containers.environment import merge

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(env: Iterable[str], *, hostname: str, home: str, terminal: bool) -> tuple[str, ...]:
    """The whole environment of a process that has ``env``."""
    base = [f"PATH={DEFAULT_PATH}", f"HOSTNAME={hostname}"]
    if terminal:
        base.append("TERM=xterm")
    merged = merge(base, env)
    return merged if any(entry.startswith("HOME=") for entry in merged) else (*merged, f"HOME={home}")
