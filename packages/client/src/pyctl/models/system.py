# ruff: noqa: RUF009 - api() declares an attribute, as attrs.field does
"""The daemon itself, and what happens in it (Engine API: SystemVersion, SystemInfo, SystemEvents)."""

from __future__ import annotations

import attrs

from pyctl.models.fields import JsonObject, api, integer, listed, model, text, texts_by_name


@attrs.frozen
class Component:
    """A part of the engine with its own version (SystemVersion.Components)."""

    name: str = api("Name", text)
    version: str = api("Version", text)
    details: dict[str, str] = api("Details", texts_by_name)


@attrs.frozen
class Platform:
    """The product's name (SystemVersion.Platform)."""

    name: str = api("Name", text)


@attrs.frozen
class SystemVersion:
    """Versions of the daemon and its parts (SystemVersion)."""

    document: JsonObject
    """The whole answer."""
    platform: Platform = api("Platform", model(Platform))
    components: tuple[Component, ...] = api("Components", listed(model(Component)))
    version: str = api("Version", text)
    api_version: str = api("ApiVersion", text)
    min_api_version: str = api("MinAPIVersion", text)
    git_commit: str = api("GitCommit", text)
    go_version: str = api("GoVersion", text)
    os: str = api("Os", text)
    arch: str = api("Arch", text)
    kernel_version: str = api("KernelVersion", text)
    build_time: str = api("BuildTime", text)


@attrs.frozen
class Ping:
    """What ``GET /_ping`` says in its headers."""

    api_version: str
    """Empty when the daemon does not say."""
    os_type: str


@attrs.frozen
class Actor:
    """What an event is about (EventActor)."""

    id: str = api("ID", text)
    attributes: dict[str, str] = api("Attributes", texts_by_name)


@attrs.frozen
class Event:
    """Something that happened (EventMessage)."""

    document: JsonObject
    """The whole message."""
    type: str = api("Type", text)
    action: str = api("Action", text)
    actor: Actor = api("Actor", model(Actor))
    scope: str = api("scope", text)
    time: int = api("time", integer)
    """Seconds since 1970."""
    time_nano: int = api("timeNano", integer)
    """The same in nanoseconds."""


@attrs.frozen
class Span:
    """One timed step inside the daemon, of ``GET /pydockerd/traces/{id}``; CLOCK_MONOTONIC nanoseconds."""

    layer: str = api("layer", text)
    name: str = api("name", text)
    start_ns: int = api("start_ns", integer)
    end_ns: int = api("end_ns", integer)


@attrs.frozen
class LoggedIn:
    """A registry took the credentials (SystemAuthResponse)."""

    status: str = api("Status", text)
    identity_token: str = api("IdentityToken", text)
    """To be used instead of the password, where the registry gave one."""
