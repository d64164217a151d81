"""The daemon itself: version, info, events (Engine API, tag System), and pydockerd's traces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pyctl.api import Api, filters_param, json_lines, parse_json
from pyctl.models.disk import CachePruned, DiskUsage, flat
from pyctl.models.fields import JsonObject, decode, json_list, json_object
from pyctl.models.system import Event, LoggedIn, Ping, Span, SystemVersion


class System:
    """``client.system``."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def ping(self) -> Ping:
        """SystemPing."""
        return self._api.ping()

    def info(self) -> JsonObject:
        """SystemInfo. A document: it has a hundred fields that differ from daemon to daemon."""
        return json_object(self._api.get("/info"), "info")

    def version(self) -> SystemVersion:
        """SystemVersion."""
        return decode(SystemVersion, self._api.get("/version"), "version")

    def events(
        self,
        *,
        since: str | None = None,
        until: str | None = None,
        filters: Mapping[str, list[str]] | None = None,
    ) -> Iterator[Event]:
        """SystemEvents as they happen, without end unless ``until`` (seconds since 1970, as text) is given."""
        params = {"since": since, "until": until, "filters": filters_param(filters)}
        response = self._api.open("GET", "/events", params)
        return (decode(Event, item, "event") for item in json_lines(response, "event"))

    def disk_usage(self, *, kinds: Sequence[str] = ()) -> DiskUsage:
        """SystemDataUsage: what images, containers, volumes and build cache take; ``kinds`` (``image``, …) leaves the others out."""
        found = json_object(self._api.get("/system/df", {"type": [*kinds], "verbose": True}), "disk usage")
        return decode(DiskUsage, flat(found) if "ImageUsage" in found else found, "disk usage")

    def prune_build_cache(self, *, all: bool = False, filters: Mapping[str, list[str]] | None = None) -> CachePruned:
        """BuildPrune: what builds have kept and nobody uses; with ``all``, all of it."""
        answer = self._api.call("POST", "/build/prune", {"all": all, "filters": filters_param(filters)})
        return decode(CachePruned, parse_json(answer, "build prune"), "build prune")

    def login(self, user: str, password: str, server: str, *, identity_token: str = "") -> LoggedIn:
        """SystemAuth: let the daemon ask a registry whether it takes these credentials. `Unauthorized` when it does not."""
        body: JsonObject = {"username": user, "password": password, "serveraddress": server}
        if identity_token:
            body["identitytoken"] = identity_token
        answer = self._api.call("POST", "/auth", None, body)
        return decode(LoggedIn, parse_json(answer, "login"), "login")

    def trace(self, trace_id: str) -> list[Span]:
        """The spans that pydockerd recorded under a trace ID of 32 hexadecimal digits (not an Engine API operation)."""
        answer = json_object(self._api.get(f"/pydockerd/traces/{trace_id}"), "trace")
        return [decode(Span, item, f"spans[{i}]") for i, item in enumerate(json_list(answer.get("spans"), "spans"))]
