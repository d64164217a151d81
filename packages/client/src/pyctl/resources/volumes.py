"""Volumes: the operations under ``/volumes`` (Engine API, tag Volume)."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from urllib.parse import quote

from pyctl.api import Api, filters_param, parse_json
from pyctl.models.fields import decode, json_list, json_object
from pyctl.models.requests import encode
from pyctl.models.volumes import Volume, VolumeRequest, VolumesPruned


class Volumes:
    """``client.volumes``."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(self, *, filters: Mapping[str, builtins.list[str]] | None = None) -> builtins.list[Volume]:
        """VolumeList."""
        answer = json_object(self._api.get("/volumes", {"filters": filters_param(filters)}), "volumes")
        return [
            decode(Volume, item, f"volumes[{i}]")
            for i, item in enumerate(json_list(answer.get("Volumes") or [], "volumes"))
        ]

    def create(self, request: VolumeRequest) -> Volume:
        """VolumeCreate: a new one, or the one that has this name already."""
        answer = parse_json(self._api.call("POST", "/volumes/create", body=encode(request)), "volume create")
        return decode(Volume, answer, "volume create")

    def inspect(self, name: str) -> Volume:
        """VolumeInspect."""
        return decode(Volume, self._api.get(_path(name)), f"volume {name}")

    def remove(self, name: str, *, force: bool = False) -> None:
        """VolumeDelete. `Conflict` while a container has it."""
        self._api.call("DELETE", _path(name), {"force": force})

    def prune(self, *, filters: Mapping[str, builtins.list[str]] | None = None) -> VolumesPruned:
        """VolumePrune: those without a name that no container has; with the filter ``all=true`` the others, too."""
        answer = self._api.call("POST", "/volumes/prune", {"filters": filters_param(filters)})
        return decode(VolumesPruned, parse_json(answer, "volume prune"), "volume prune")


def _path(name: str) -> str:
    return "/volumes/" + quote(name, safe="")
