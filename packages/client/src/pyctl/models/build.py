"""What is asked of a build (Engine API: ImageBuild)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

import attrs


@attrs.frozen(kw_only=True)
class BuildRequest:
    """``dockerfile`` is its path in the context; ``remote`` an address of the context, where it is not sent along. An argument of None is not given.

    ``secrets`` are for ``RUN --mount=type=secret``, by id; pydockerd alone takes them, other daemons need BuildKit for it.
    """

    dockerfile: str = "Dockerfile"
    remote: str | None = None
    tags: tuple[str, ...] = ()
    arguments: Mapping[str, str | None] = attrs.field(factory=dict)
    labels: Mapping[str, str] = attrs.field(factory=dict)
    target: str | None = None
    platform: str | None = None
    network: str | None = None
    extra_hosts: tuple[str, ...] = ()
    no_cache: bool = False
    pull: bool = False
    quiet: bool = False
    memory: int | None = None
    memory_swap: int | None = None
    shm_size: int | None = None
    secrets: Mapping[str, bytes] = attrs.field(factory=dict, repr=False)

    def params(self) -> dict[str, str | int | bool | list[str] | None]:
        """The parameters of the query."""
        return {
            "version": "1",
            "rm": True,
            "dockerfile": self.dockerfile,
            "remote": self.remote,
            "t": [*self.tags],
            "buildargs": json.dumps(dict(self.arguments)) if self.arguments else None,
            "labels": json.dumps(dict(self.labels)) if self.labels else None,
            "target": self.target,
            "platform": self.platform,
            "networkmode": self.network,
            "extrahosts": [*self.extra_hosts],
            "nocache": self.no_cache,
            "pull": self.pull,
            "q": self.quiet,
            "memory": self.memory,
            "memswap": self.memory_swap,
            "shmsize": self.shm_size,
        }

    def headers(self) -> dict[str, str]:
        """The secrets."""
        if not self.secrets:
            return {}
        known = {name: base64.b64encode(content).decode() for name, content in self.secrets.items()}
        return {"X-Build-Secrets": base64.urlsafe_b64encode(json.dumps(known).encode()).decode()}
