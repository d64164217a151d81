"""Names of images, by docker's rules: ``busybox`` is ``docker.io/library/busybox:latest`` and is shown as ``busybox:latest``."""

from __future__ import annotations

import re

from attrs import frozen

from pycontainerd.errors import InvalidReference

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_DOMAIN = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?:(?P<domain>{_DOMAIN})/)?(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@frozen
class Remote:
    """Where an image is: the ``domain`` of its registry, its repository there, and its tag or digest."""

    domain: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def name(self) -> str:
        """The familiar name of the repository."""
        return _familiar_name(self.domain, self.repository)

    @property
    def reference(self) -> str:
        """What the registry is asked for: the digest if there is one, else the tag."""
        return self.digest or self.tag or "latest"

    @property
    def familiar(self) -> str:
        """See `familiar`."""
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag or 'latest'}"


def remote(reference: str) -> Remote:
    """Where a reference leads to. What looks like no host belongs to docker.io, and a single word there to ``library``. InvalidReference."""
    familiar(reference)
    match = _REFERENCE.fullmatch(reference)
    assert match is not None
    domain, path = match["domain"], match["path"]
    if (
        domain is not None
        and not any(sign in domain for sign in ".:[")
        and domain != "localhost"
        and domain == domain.lower()
    ):
        domain, path = None, f"{domain}/{path}"
    if domain in (None, "index.docker.io", "docker.io"):
        domain, path = "docker.io", path if "/" in path else f"library/{path}"
    return Remote(domain, path, match["tag"], match["digest"])


def familiar(reference: str) -> str:
    """The form in which names are kept and shown, with the tag ``latest`` when there is neither tag nor digest. InvalidReference."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        rule = "repository name must be lowercase" if reference != reference.lower() else "invalid reference format"
        raise InvalidReference(reference, rule)
    name = _familiar_name(match["domain"], match["path"])
    if match["digest"]:
        return f"{name}@{match['digest']}"
    return f"{name}:{match['tag'] or 'latest'}"


def _familiar_name(domain: str | None, path: str) -> str:
    if domain in ("docker.io", "index.docker.io"):
        return path.removeprefix("library/")
    if domain is None:
        return path.removeprefix("library/")
    return f"{domain}/{path}"


def name_of(reference: str) -> str:
    """A familiar reference without its tag or digest."""
    head, slash, last = reference.partition("@")[0].rpartition("/")
    return head + slash + last.partition(":")[0]
