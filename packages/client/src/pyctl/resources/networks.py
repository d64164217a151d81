"""Networks: the operations under ``/networks`` (Engine API, tag Network)."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from urllib.parse import quote

from pyctl.api import Api, filters_param, parse_json
from pyctl.models.fields import decode, json_list
from pyctl.models.networks import (
    ConnectRequest,
    DisconnectRequest,
    Endpoint,
    Network,
    NetworkCreated,
    NetworkRequest,
    NetworksPruned,
)
from pyctl.models.requests import encode


class Networks:
    """``client.networks``. ``ref`` is an ID, a prefix of one, or a name."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(self, *, filters: Mapping[str, builtins.list[str]] | None = None) -> builtins.list[Network]:
        """NetworkList."""
        answer = json_list(self._api.get("/networks", {"filters": filters_param(filters)}), "networks")
        return [decode(Network, item, f"networks[{i}]") for i, item in enumerate(answer)]

    def create(self, request: NetworkRequest) -> NetworkCreated:
        """NetworkCreate. `Conflict` for a name in use."""
        answer = parse_json(self._api.call("POST", "/networks/create", body=encode(request)), "network create")
        return decode(NetworkCreated, answer, "network create")

    def inspect(self, ref: str, *, verbose: bool = False) -> Network:
        """NetworkInspect."""
        return decode(Network, self._api.get(_path(ref), {"verbose": verbose}), f"network {ref}")

    def remove(self, ref: str) -> None:
        """NetworkDelete. `Forbidden` while a container is connected."""
        self._api.call("DELETE", _path(ref))

    def connect(self, ref: str, container: str, endpoint: Endpoint | None = None) -> None:
        """NetworkConnect, also of a container that runs."""
        request = ConnectRequest(container=container, endpoint=endpoint)
        self._api.call("POST", f"{_path(ref)}/connect", body=encode(request))

    def disconnect(self, ref: str, container: str, *, force: bool = False) -> None:
        """NetworkDisconnect, also of a container that runs."""
        request = DisconnectRequest(container=container, force=force)
        self._api.call("POST", f"{_path(ref)}/disconnect", body=encode(request))

    def prune(self, *, filters: Mapping[str, builtins.list[str]] | None = None) -> NetworksPruned:
        """NetworkPrune: those that no container is connected to."""
        answer = self._api.call("POST", "/networks/prune", {"filters": filters_param(filters)})
        return decode(NetworksPruned, parse_json(answer, "network prune"), "network prune")


def _path(ref: str) -> str:
    return "/networks/" + quote(ref, safe="")
