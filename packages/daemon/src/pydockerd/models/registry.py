"""What is said to and about registries."""

from __future__ import annotations

from attrs import field, frozen

from pydockerd.models.wire import wire


@frozen(kw_only=True)
class AuthConfig:
    """Who somebody is to a registry, as clients send it. Source: definition AuthConfig. The secrets are in no ``repr``."""

    username: str = wire("username", default="")
    password: str = field(default="", repr=False, metadata={"name": "password", "omitted": None})
    server_address: str = wire("serveraddress", default="")
    identity_token: str = field(default="", repr=False, metadata={"name": "identitytoken", "omitted": None})
    registry_token: str = field(default="", repr=False, metadata={"name": "registrytoken", "omitted": None})
    auth: str = field(default="", repr=False, metadata={"name": "auth", "omitted": None})
    """Name and password in base64, as old clients send them."""


@frozen(kw_only=True)
class AuthAnswer:
    """Source: definition AuthResponse."""

    status: str
    identity_token: str = ""


@frozen(kw_only=True)
class SearchItem:
    """One repository that a search has found. Source: answer of ImageSearch."""

    star_count: int = wire("star_count")
    is_official: bool = wire("is_official")
    name: str = wire("name")
    is_automated: bool = wire("is_automated", default=False)
    description: str = wire("description")


@frozen(kw_only=True)
class OciDescriptor:
    """Source: definition OCIDescriptor."""

    media_type: str = wire("mediaType")
    digest: str = wire("digest")
    size: int = wire("size")


@frozen(kw_only=True)
class OciPlatform:
    """Source: definition OCIPlatform."""

    architecture: str = wire("architecture")
    os: str = wire("os")
    os_version: str = wire("os.version", default="", omit_empty=True)
    variant: str = wire("variant", default="", omit_empty=True)


@frozen(kw_only=True)
class DistributionInspect:
    """What a registry has by a name. Source: definition DistributionInspect."""

    descriptor: OciDescriptor
    platforms: tuple[OciPlatform, ...]
