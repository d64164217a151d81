"""What is counted of the disk, and what goes when it is pruned."""

from __future__ import annotations

import time

import pytest

from pycontainerd.images.image import Image, Layer, image_of
from pydockerd.errors import BadRequest
from pydockerd.services.disk import _bytes
from pydockerd.times import moment_ns
from tests.daemon.conftest import Api


def image(number: int, *layers: tuple[str, int]) -> Image:
    blobs = tuple(
        Layer(digest=f"sha256:{name * 64}", size=size, diff_id=f"sha256:{name * 64}") for name, size in layers
    )
    ids = ",".join(f'"{layer.diff_id}"' for layer in blobs)
    document = (
        f'{{"os":"linux","architecture":"amd64","rootfs":{{"type":"layers","diff_ids":[{ids}]}},"author":"{number}"}}'
    )
    return image_of(document, blobs, sum(layer.size for layer in blobs) + len(document))


def test_a_layer_that_is_shared_is_counted_once() -> None:
    first, second = image(1, ("a", 100), ("b", 20)), image(2, ("a", 100), ("c", 3))
    documents = len(first.document) + len(second.document)
    assert _bytes([first, second]) == 123 + documents
    assert _bytes([first]) == first.size
    assert _bytes([]) == 0


async def test_the_types_that_are_asked_for(api: Api) -> None:
    await api.create("one")
    whole = (await api.ask("GET", "/system/df")).json
    assert set(whole) == {"ImageUsage", "ContainerUsage", "VolumeUsage", "BuildCacheUsage"}
    assert "Items" not in whole["ContainerUsage"]
    some = (await api.ask("GET", "/system/df?type=container&type=volume&verbose=1")).json
    assert set(some) == {"ContainerUsage", "VolumeUsage"}
    assert [each["Names"] for each in some["ContainerUsage"]["Items"]] == [["/one"]]
    assert (some["ContainerUsage"]["ActiveCount"], some["ContainerUsage"]["TotalCount"]) == (0, 1)
    old = (await api.ask("GET", "/v1.44/system/df?type=container")).json
    assert (old["Images"], old["Volumes"], old["BuildCache"]) == (None, None, None)
    assert [each["Names"] for each in old["Containers"]] == [["/one"]]
    refused = await api.ask("GET", "/system/df?type=socks")
    assert (refused.status, refused.message) == (400, "unknown object type: socks")


@pytest.mark.parametrize(
    ("text", "ago"),
    [("10m", 600), ("1h30m", 5400), ("1.5h", 5400), ("90s", 90), ("2h0m1s", 7201), ("1500ms", 1.5), ("0s", 0)],
)
def test_durations_are_from_now(text: str, ago: float) -> None:
    found = moment_ns("until", text)
    assert found is not None
    assert abs((time.time_ns() - found) / 1e9 - ago) < 1


@pytest.mark.parametrize("text", ["10", "1.5"])
def test_numbers_are_moments(text: str) -> None:
    assert moment_ns("until", text) == int(float(text) * 1e9)


@pytest.mark.parametrize("text", ["1x", "h", "1h-", "m1", "-5m", "1 h"])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="invalid value for until"):
        moment_ns("until", text)


@pytest.mark.parametrize(
    ("filters", "gone"),
    [
        ("{}", {"plain", "kept", "marked"}),
        ('{"label":["keep"]}', {"kept"}),
        ('{"label":["keep=no"]}', set()),
        ('{"label!":["keep"]}', {"plain", "marked"}),
        ('{"label!":["keep"],"label":["mark=1"]}', {"marked"}),
        ('{"until":["1h"]}', {"plain", "kept", "marked"}),
        ('{"until":["2026-01-01T00:00:00Z"]}', set()),
    ],
)
async def test_containers_are_pruned_by_filters(api: Api, filters: str, gone: set[str]) -> None:
    made = {
        "plain": await api.create("plain"),
        "kept": await api.create("kept", Labels={"keep": "yes"}),
        "marked": await api.create("marked", Labels={"mark": "1"}),
    }
    running = await api.create("running")
    assert (await api.ask("POST", f"/containers/{running.id}/start")).status == 204
    reply = await api.ask("POST", f"/containers/prune?filters={filters}")
    assert set(reply.json["ContainersDeleted"] or ()) == {made[name].id for name in gone}
    assert running in api.supervisor.containers.list()
    assert api.supervisor.events.past[-1].action == "prune"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ('/containers/prune?filters={"until":["soon"]}', "invalid value for until"),
        ('/containers/prune?filters={"name":["x"]}', "invalid filter 'name'"),
        ('/images/prune?filters={"until":["soon"]}', "invalid value for until"),
        ('/images/prune?filters={"dangling":["perhaps"]}', "invalid filter 'dangling=['perhaps']'"),
        ('/images/prune?filters={"name":["x"]}', "invalid filter 'name'"),
    ],
)
async def test_wrong_filters_prune_nothing(api: Api, path: str, told: str) -> None:
    await api.create("one")
    reply = await api.ask("POST", path)
    assert reply.status == 400
    assert reply.message.startswith(told)
    assert len(api.supervisor.containers.list()) == 1
