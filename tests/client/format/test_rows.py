"""Columns of listings that need more than a look at one field."""

from __future__ import annotations

import pytest

from pyctl.app.format.containers import container_row, ports
from pyctl.app.format.gotemplate import Row
from pyctl.app.format.images import image_rows
from pyctl.app.format.stats import cpu_percent, memory_used, stats_row
from pyctl.models.containers import ContainerSummary, Port
from pyctl.models.fields import Json, decode
from pyctl.models.images import ImageSummary
from pyctl.models.stats import Stats


def port(private: int, public: int = 0, ip: str = "", protocol: str = "tcp") -> Port:
    return Port(ip=ip, private=private, public=public, protocol=protocol)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], ""),
        ([port(80)], "80/tcp"),
        ([port(82), port(80), port(81)], "80-82/tcp"),
        ([port(80), port(80, protocol="udp")], "80/tcp, 80/udp"),
        ([port(80, 8080, "0.0.0.0")], "0.0.0.0:8080->80/tcp"),
        ([port(80, 8080, "0.0.0.0"), port(81, 8081, "0.0.0.0")], "0.0.0.0:8080-8081->80-81/tcp"),
        ([port(80, 8080, "0.0.0.0"), port(81, 9000, "0.0.0.0")], "0.0.0.0:8080->80/tcp, 0.0.0.0:9000->81/tcp"),
        ([port(80, 8080, "::"), port(443)], "443/tcp, [::]:8080->80/tcp"),
    ],
)
def test_ports(found: list[Port], expected: str) -> None:
    assert ports(tuple(found)) == expected


def row(truncate: bool, **fields: Json) -> Row:
    return container_row(decode(ContainerSummary, dict(fields), "test"), truncate=truncate, now=1000.0)


def test_a_container_s_row() -> None:
    summary: dict[str, Json] = {
        "Id": "1b53534b47f2b2d3f29f54218ac46d4b95be5b060424f939272638aa985363fd",
        "Names": ["/web", "/other/alias"],
        "Image": "app@sha256:" + "0" * 64,
        "ImageID": "sha256:" + "a" * 64,
        "Command": "sh -c 'echo \"a very long command\"'",
        "Created": 880,
        "SizeRw": 16384,
        "SizeRootFs": 2_000_000,
        "Labels": {"b": "2", "a": "1"},
        "Mounts": [
            {"Type": "volume", "Name": "a-name-that-is-long", "Driver": "local"},
            {"Type": "bind", "Source": "/s"},
        ],
        "NetworkSettings": {"Networks": {"none": None}},
    }
    short, full = row(True, **summary).columns, row(False, **summary).columns
    assert (short["Names"], full["Names"]) == ("web", "web,other/alias")
    assert (short["Image"], full["Image"]) == ("app", "app@sha256:" + "0" * 64)
    assert short["Command"] == '"sh -c \'echo \\"a very…"'
    assert (short["Mounts"], full["Mounts"]) == ("a-name-that-is…,/s", "a-name-that-is-long,/s")
    assert (short["Size"], short["RunningFor"]) == ("16.4kB (virtual 2MB)", "2 minutes ago")
    assert (short["Labels"], short["LocalVolumes"], short["Networks"]) == ("a=1,b=2", "1", "none")


def test_an_image_without_a_name_shows_its_id() -> None:
    assert row(True, Image="sha256:" + "a" * 64, ImageID="sha256:" + "a" * 64).columns["Image"] == "a" * 12
    assert row(True).columns["Image"] == "<no image>"


@pytest.mark.parametrize(
    ("tags", "digests", "asked", "expected"),
    [
        ([], [], False, [("<none>", "<none>", "<none>")]),
        (["<none>:<none>"], ["<none>@<none>"], True, [("<none>", "<none>", "<none>")]),
        (["a:1", "a:2"], ["a@sha256:0"], False, [("a", "1", "<none>"), ("a", "2", "<none>")]),
        (["a:1", "b:2"], ["a@sha256:0"], True, [("a", "1", "sha256:0"), ("b", "2", "<none>")]),
        ([], ["a@sha256:0"], True, [("a", "<none>", "sha256:0")]),
        (["h:5000/a:1"], [], False, [("h:5000/a", "1", "<none>")]),
    ],
)
def test_names_of_images(
    tags: list[Json], digests: list[Json], asked: bool, expected: list[tuple[str, str, str]]
) -> None:
    image = decode(ImageSummary, {"RepoTags": tags, "RepoDigests": digests, "SharedSize": -1}, "test")
    rows = [found.columns for found in image_rows(image, truncate=True, digests=asked, now=0.0)]
    assert [(found["Repository"], found["Tag"], found["Digest"]) for found in rows] == expected


SAMPLE: Json = {
    "id": "ab" * 32,
    "name": "/busy",
    "cpu_stats": {"cpu_usage": {"total_usage": 300}, "system_cpu_usage": 2000, "online_cpus": 2},
    "precpu_stats": {"cpu_usage": {"total_usage": 100}, "system_cpu_usage": 1000, "online_cpus": 2},
    "memory_stats": {"usage": 3 << 20, "limit": 8 << 20, "stats": {"total_inactive_file": 1 << 20, "inactive_file": 5}},
    "pids_stats": {"current": 7},
    "blkio_stats": {"io_service_bytes_recursive": [{"op": "Read", "value": 1000}, {"op": "write", "value": 20}]},
    "networks": {"eth0": {"rx_bytes": 1500, "tx_bytes": 10}, "eth1": {"rx_bytes": 500, "tx_bytes": 0}},
}


def test_stats() -> None:
    columns = stats_row("busy", decode(Stats, SAMPLE, "stats"), truncate=True).columns
    assert columns == {
        "BlockIO": "1kB / 20B",
        "CPUPerc": "40.00%",
        "Container": "busy",
        "ID": "ab" * 6,
        "MemPerc": "25.00%",
        "MemUsage": "2MiB / 8MiB",
        "Name": "busy",
        "NetIO": "2kB / 10B",
        "PIDs": "7",
    }


def test_stats_of_what_does_not_run() -> None:
    stopped = decode(Stats, {"id": "ab"}, "stats")
    assert (cpu_percent(stopped), memory_used(stopped)) == (0.0, 0)
    assert stats_row("x", stopped, truncate=False).columns["MemPerc"] == "0.00%"
