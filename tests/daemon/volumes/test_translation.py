"""``-v``, ``--mount``, ``--tmpfs`` and ``--volumes-from`` to mount points, and docker's words for what cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from pycontainerd.containers.config import BindMount, ContainerConfig, TmpfsMount
from pydockerd.errors import BadRequest
from pydockerd.models.create import CreateRequest
from pydockerd.models.mount import Mount
from pydockerd.models.wire import read
from pydockerd.translate.mounts import anonymous, bind, borrowed, mount, volumes_from, wanted_mounts
from pydockerd.volumes.point import Point, annotation, points_of, supervisor_mount


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("data:/x", Point(type="volume", target="/x", name="data", mode="z")),
        ("data:/x/:ro", Point(type="volume", target="/x", name="data", mode="ro", read_only=True)),
        ("data:/x:nocopy,Z", Point(type="volume", target="/x", name="data", mode="nocopy,Z")),
        ("/x", Point(type="volume", target="/x", anonymous=True)),
        ("/a:/x", Point(type="bind", target="/x", source="/a", propagation="rprivate", create_source=True)),
        (
            "/a:/x:ro,rslave,z",
            Point(
                type="bind",
                target="/x",
                source="/a",
                mode="ro,rslave,z",
                read_only=True,
                propagation="rslave",
                options=("rro",),
                create_source=True,
            ),
        ),
    ],
)
def test_words_of_volume(word: str, expected: Point) -> None:
    assert bind(word).point == expected


def test_nocopy_and_the_driver() -> None:
    assert not bind("data:/x:nocopy").copy
    assert bind("data:/x", "local").driver == "local"
    assert bind("/x", "local").driver == "local"
    assert bind("/a:/x", "local").driver == ""


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("a:b:c:d", "invalid volume specification: 'a:b:c:d'"),
        (":/x", "invalid volume specification: ':/x'"),
        ("/x:ro", "invalid volume specification: '/x:ro'"),
        ("a:/x:bogus", "invalid mode: bogus"),
        ("a:/x:ro,rw", "invalid mode: ro,rw"),
        (
            "a:x",
            "invalid volume specification: 'a:x': invalid mount config for type \"volume\": invalid mount path: 'x' mount path must be absolute",
        ),
        (
            "a:/",
            "invalid volume specification: 'a:/': invalid mount config for type \"volume\": invalid specification: destination can't be '/'",
        ),
        (
            "a:/x:rshared",
            "invalid volume specification: 'a:/x:rshared': invalid mount config for type \"volume\": field BindOptions must not be specified",
        ),
        (
            "/a:/x:nocopy",
            "invalid volume specification: '/a:/x:nocopy': invalid mount config for type \"bind\": field VolumeOptions must not be specified",
        ),
    ],
)
def test_words_that_cannot_be(word: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        bind(word)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"Type": "volume", "Source": "data"}, Point(type="volume", target="/x", name="data", mode="z")),
        ({"Type": "volume"}, Point(type="volume", target="/x", mode="z", anonymous=True)),
        (
            {"Type": "volume", "Source": "data", "ReadOnly": True, "VolumeOptions": {"Subpath": "a/b"}},
            Point(type="volume", target="/x", name="data", mode="z", read_only=True, subpath="a/b"),
        ),
        (
            {"Type": "bind", "Source": "/a", "BindOptions": {"Propagation": "shared", "NonRecursive": True}},
            Point(type="bind", target="/x", source="/a", propagation="shared", options=("bind",)),
        ),
        (
            {"Type": "bind", "Source": "/a", "ReadOnly": True, "BindOptions": {"ReadOnlyNonRecursive": True}},
            Point(type="bind", target="/x", source="/a", read_only=True, propagation="rprivate"),
        ),
        (
            {"Type": "tmpfs", "TmpfsOptions": {"SizeBytes": 64, "Mode": 0o755, "Options": [["exec"], ["uid", "7"]]}},
            Point(
                type="tmpfs",
                target="/x",
                options=("noexec", "nosuid", "nodev", "size=64", "mode=755", "exec", "uid=7"),
            ),
        ),
    ],
)
def test_objects_of_mount(said: dict[str, Any], expected: Point) -> None:
    assert mount(read(Mount, {"Target": "/x/", **said})).point == expected


def test_what_makes_a_volume_that_is_not_there() -> None:
    options = {"NoCopy": True, "Labels": {"a": "b"}, "DriverConfig": {"Name": "local", "Options": {"type": "tmpfs"}}}
    found = mount(read(Mount, {"Type": "volume", "Source": "data", "Target": "/x", "VolumeOptions": options}))
    assert (found.copy, found.driver, found.options, found.labels) == (False, "local", {"type": "tmpfs"}, {"a": "b"})


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"Type": "volume", "Target": ""}, "field Target must not be empty"),
        ({"Type": "nfs"}, "mount type unknown"),
        ({"Type": "bind"}, "field Source must not be empty"),
        ({"Type": "bind", "Source": "a"}, "invalid mount path: 'a' mount path must be absolute"),
        ({"Type": "bind", "Source": "/a", "VolumeOptions": {}}, "field VolumeOptions must not be specified"),
        ({"Type": "bind", "Source": "/a", "BindOptions": {"Propagation": "x"}}, "invalid propagation mode: x"),
        ({"Type": "volume", "BindOptions": {}}, "field BindOptions must not be specified"),
        ({"Type": "volume", "ReadOnly": True}, "must not set ReadOnly mode when using anonymous volumes"),
        (
            {"Type": "volume", "VolumeOptions": {"Subpath": "a"}},
            "must not set Subpath when using anonymous volumes",
        ),
        (
            {"Type": "volume", "Source": "v1", "VolumeOptions": {"Subpath": "a/../../b"}},
            "subpath must be a relative path within the volume",
        ),
        (
            {"Type": "volume", "Source": "v1", "VolumeOptions": {"Subpath": "/etc"}},
            "subpath must be a relative path within the volume",
        ),
        ({"Type": "tmpfs", "Source": "x"}, "field Source must not be specified"),
    ],
)
def test_objects_that_cannot_be(said: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        mount(read(Mount, {"Target": "/x", **said}))
    assert caught.value.message == f'invalid mount config for type "{said["Type"]}": {message}'


def test_a_target_is_used_once() -> None:
    host = {"Binds": ["data:/x"], "Mounts": [{"Type": "tmpfs", "Target": "/x/"}]}
    with pytest.raises(BadRequest, match="Duplicate mount point: /x"):
        wanted_mounts(CreateRequest.parse({"Image": "i", "HostConfig": host}))
    with pytest.raises(BadRequest, match="Duplicate mount point: /x"):
        wanted_mounts(CreateRequest.parse({"Image": "i", "HostConfig": {"Binds": ["a:/x"], "Tmpfs": {"/x": ""}}}))


def test_an_image_s_volume_gives_way() -> None:
    assert [each.point.target for each in anonymous(["/a", "/b/", "/a/"], ["/b"])] == ["/a"]


@pytest.mark.parametrize(
    ("word", "expected"), [("web", ("web", "")), ("web:ro", ("web", "ro")), ("web:ro,z", ("web", "ro,z"))]
)
def test_volumes_from(word: str, expected: tuple[str, str]) -> None:
    assert volumes_from(word) == expected


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("", "volumes-from specification cannot be an empty string"),
        ("web:nocopy", "invalid mode: nocopy"),
        ("web:ro,rw", "invalid mode: ro,rw"),
    ],
)
def test_volumes_from_that_cannot_be(word: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        volumes_from(word)
    assert caught.value.message == message


def test_what_is_borrowed_is_never_more_writable() -> None:
    own = Point(type="volume", target="/x", name="data", mode="z")
    assert borrowed(own, "ro").read_only
    assert borrowed(own, "") == own
    assert borrowed(Point(type="volume", target="/x", name="data", read_only=True), "rw").read_only


def test_points_are_kept_in_an_annotation() -> None:
    points = (
        Point(type="volume", target="/x", name="data", source="/v/data/_data", driver="local", mode="z"),
        Point(type="tmpfs", target="/y", options=("size=1m",), hidden=True),
    )
    assert points_of(ContainerConfig(image="i", annotations=annotation(points))) == points
    assert annotation(()) == {}
    assert supervisor_mount(points[0], "/v/data/_data") == BindMount(source="/v/data/_data", target="/x")
    assert supervisor_mount(points[1], "") == TmpfsMount(target="/y", options=("size=1m",))


def test_a_container_of_somebody_else_shows_its_binds() -> None:
    mounts = (BindMount(source="/a", target="/x/", options=("ro", "rslave")), TmpfsMount(target="/t"))
    assert points_of(ContainerConfig(image="i", mounts=mounts)) == (
        Point(type="bind", target="/x", source="/a", mode="ro", read_only=True, propagation="rslave"),
    )
