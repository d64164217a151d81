"""The operations of the section Volume, held to the document."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.daemon import contract
from tests.daemon.conftest import Api


async def names(api: Api, **filters: list[str]) -> list[str]:
    reply = await api.ask("GET", f"/volumes?filters={quote(json.dumps(filters))}")
    assert reply.status == 200, reply.content
    contract.load().check("GET", "/volumes", 200, reply.json)
    return [volume["Name"] for volume in reply.json["Volumes"]]


async def make(api: Api, name: str = "", **more: Any) -> Any:
    reply = await api.ask("POST", "/volumes/create", {"Name": name, **more})
    assert reply.status == 201, reply.content
    contract.load().check("POST", "/volumes/create", 201, reply.json)
    return reply.json


async def test_a_volume_s_life(api: Api) -> None:
    made = await make(api, "data", Labels={"a": "b"}, DriverOpts={"type": "tmpfs", "device": "tmpfs", "o": "size=1m"})
    assert made["Mountpoint"] == str(api.engine.settings.data_root / "volumes/data/_data")
    assert made["Options"] == {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
    reply = await api.ask("GET", "/volumes/data")
    contract.load().check("GET", "/volumes/{name}", 200, reply.json)
    assert reply.json == made
    assert (await api.ask("DELETE", "/volumes/data")).status == 204
    gone = await api.ask("GET", "/volumes/data")
    assert (gone.status, gone.message) == (404, "get data: no such volume")
    assert [(event.action, event.actor) for event in api.supervisor.events.past] == [
        ("create", "data"),
        ("destroy", "data"),
    ]


async def test_anonymous(api: Api) -> None:
    made = await make(api)
    assert len(made["Name"]) == 64
    assert made["Labels"] == {"com.docker.volume.anonymous": ""}


async def test_filters(api: Api) -> None:
    for name, labels in {"one": {"a": "b"}, "two": {"a": "c"}, "three": {}}.items():
        await make(api, name, Labels=labels)
    api.engine.volumes.refer("c1", ["two"])
    assert await names(api) == ["one", "three", "two"]
    assert await names(api, name=["o"]) == ["one", "two"]
    assert await names(api, label=["a"]) == ["one", "two"]
    assert await names(api, label=["a=c"]) == ["two"]
    assert await names(api, dangling=["true"]) == ["one", "three"]
    assert await names(api, dangling=["0"]) == ["two"]
    assert await names(api, driver=["local"]) == ["one", "three", "two"]
    assert await names(api, driver=["nfs"]) == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", "/volumes/create", {"Name": "a"}, 400, "create a: volume name is too short, names should be at least two alphanumeric characters"),
        ("POST", "/volumes/create", {"Name": "ok", "Driver": "x"}, 404, 'create ok: error looking up volume plugin x: plugin "x" not found'),
        ("POST", "/volumes/create", {"Name": "ok", "DriverOpts": {"a": "b"}}, 400, 'create ok: invalid option: "a"'),
        ("POST", "/volumes/create", {"Name": 7}, 400, "invalid JSON: Name: expected a string, got 7"),
        ("DELETE", "/volumes/none", None, 404, "get none: no such volume"),
        ("PUT", "/volumes/none?version=1", {}, 503, "volume update only valid for cluster volumes, but swarm is unavailable"),
        ("GET", "/volumes?filters=%7B%22x%22%3A%5B%22y%22%5D%7D", None, 400, "invalid filter 'x'"),
        ("POST", "/volumes/prune?filters=%7B%22all%22%3A%5B%22y%22%5D%7D", None, 400, "invalid filter 'all=['y']'"),
    ],
)  # fmt: skip
async def test_refused(api: Api, method: str, path: str, body: Any, status: int, message: str) -> None:
    reply = await api.ask(method, path, body)
    assert (reply.status, reply.message) == (status, message)
    assert await names(api) == []


async def test_in_use_and_by_force(api: Api) -> None:
    await make(api, "data")
    api.engine.volumes.refer("c1", ["data"])
    for path in ("/volumes/data", "/volumes/data?force=1"):
        reply = await api.ask("DELETE", path)
        assert (reply.status, reply.message) == (409, "remove data: volume is in use - [c1]")
    assert (await api.ask("DELETE", "/volumes/none?force=1")).status == 204


async def prune(api: Api, filters: dict[str, list[str]], version: str = "") -> list[str]:
    reply = await api.ask("POST", f"{version}/volumes/prune?filters={quote(json.dumps(filters))}")
    assert reply.status == 200, reply.content
    contract.load().check("POST", "/volumes/prune", 200, reply.json)
    return list(reply.json["VolumesDeleted"])


async def test_prune_takes_what_nobody_has_named(api: Api) -> None:
    anonymous = (await make(api))["Name"]
    used = (await make(api))["Name"]
    api.engine.volumes.refer("c1", [used])
    await make(api, "data", Labels={"keep": "yes"})
    await make(api, "more")
    assert await prune(api, {}) == [anonymous]
    assert await prune(api, {"all": ["true"], "label!": ["keep"]}) == ["more"]
    assert await names(api) == sorted([used, "data"])
    assert await prune(api, {}, "/v1.41") == ["data"]
    assert api.supervisor.events.past[-1].action == "prune"


async def test_disk_usage(api: Api) -> None:
    await make(api, "data")
    (api.engine.volumes.get("data").path / "file").write_bytes(b"x" * 50_000)
    api.engine.volumes.refer("c1", ["data"])
    await make(api, "idle")
    old = (await api.ask("GET", "/v1.51/system/df?type=volume")).json
    sizes = {volume["Name"]: volume["UsageData"] for volume in old["Volumes"]}
    assert sizes["data"]["RefCount"] == 1
    assert 50_000 <= sizes["data"]["Size"] < 80_000
    new = (await api.ask("GET", "/system/df?type=volume")).json
    contract.load().check("GET", "/system/df", 200, new)
    usage = new["VolumeUsage"]
    assert (usage["ActiveCount"], usage["TotalCount"]) == (1, 2)
    assert usage["TotalSize"] - usage["Reclaimable"] == sizes["data"]["Size"]


async def test_a_create_that_fails_leaves_no_anonymous_volume(api: Api) -> None:
    host = {"Binds": ["/x", "made:/y"], "NetworkMode": "none"}
    for body, status in (
        ({"Image": "busybox", "HostConfig": {**host, "VolumesFrom": ["nobody"]}}, 400),
        ({"Image": "busybox", "HostConfig": {**host, "Binds": ["/x", "a:/y"]}}, 400),
        ({"Image": "busybox", "HostConfig": {**host, "VolumeDriver": "x"}}, 404),
        ({"Image": "nope", "HostConfig": host}, 404),
    ):
        reply = await api.ask("POST", "/containers/create?name=cc", body)
        assert reply.status == status, reply.content
    assert await names(api) == []
