"""Several users of one store: each has names, images, containers, events and leases of their own, and none sees those of the others."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest

from pycontainerd import (
    ContainerConfig,
    EventFilter,
    Image,
    LeaseResource,
    Namespace,
    Supervisor,
    blocking,
)
from pycontainerd.errors import (
    ContainerNotFound,
    ContentNotFound,
    DigestMismatch,
    IdInUse,
    ImageInUse,
    ImageNotFound,
    InvalidName,
    LeaseNotFound,
)
from pycontainerd.tasks.containers import Containers
from tests.supervisor.archives import layer, oci_layout, sha
from tests.supervisor.conftest import remove_all, supervisor_in
from tests.supervisor.stores import Stored

ECHO = ContainerConfig(image="busybox", args=("echo", "hi"))


@pytest.fixture
def ci(supervisor: Supervisor) -> Namespace:
    return supervisor.namespace("ci")


async def run(containers: Containers, name: str) -> int:
    container = await containers.create(ECHO, name=name)
    await container.start()
    return (await container.wait()).code


async def empty(namespace: Namespace) -> None:
    for container in namespace.containers.list():
        await container.remove(force=True)
    for image in namespace.images.list()[1:]:
        await namespace.images.remove(image.id, force=True)


async def test_images(supervisor: Supervisor, ci: Namespace, busybox: Image, busybox_tar: Path) -> None:
    assert [image.references for image in ci.images.list()] == [("host:latest",)]
    for reference in ("busybox", busybox.id, busybox.id[7:19]):
        with pytest.raises(ImageNotFound):
            ci.images.get(reference)
    with pytest.raises(ImageNotFound):
        await ci.images.tag(busybox.id, "mine")
    with pytest.raises(ImageNotFound):
        await ci.containers.create(ECHO)
    other = await ci.images.import_rootfs(busybox_tar, "busybox", changes=["CMD other"])
    assert supervisor.images.get("busybox").id == busybox.id != ci.images.get("busybox").id
    await supervisor.images.remove("busybox")
    assert ci.images.get("busybox").id == other.id
    assert await run(ci.containers, "still") == 0
    await empty(ci)
    assert Stored.of(supervisor).empty


async def test_the_same_image_is_stored_once(supervisor: Supervisor, ci: Namespace, tmp_path: Path) -> None:
    archive = oci_layout(tmp_path / "layout", [layer(("file", b"x" * 1000)), layer(("other", b"y"))])
    (image,) = await supervisor.images.import_archive(archive)
    before = Stored.of(supervisor)
    (same,) = await ci.images.import_archive(archive)
    assert (same.id, same.references) == (image.id, image.references)
    assert Stored.of(supervisor).blobs == before.blobs
    assert Stored.of(supervisor).snapshots == before.snapshots
    await supervisor.images.remove(image.id)
    assert Stored.of(supervisor).blobs == before.blobs
    assert b"".join([piece async for piece in ci.images.export([image.id])])
    await ci.images.remove(image.id)
    assert Stored.of(supervisor).empty


async def test_containers(supervisor: Supervisor, ci: Namespace, busybox: Image, busybox_tar: Path) -> None:
    await ci.images.import_rootfs(busybox_tar, "busybox")
    assert await run(supervisor.containers, "same") == 0
    assert await run(ci.containers, "same") == 0
    ours, theirs = supervisor.containers.get("same"), ci.containers.get("same")
    assert supervisor.containers.list() == [ours]
    assert ci.containers.list() == [theirs]
    for reference in (theirs.id, theirs.id[:12]):
        with pytest.raises(ContainerNotFound):
            supervisor.containers.get(reference)
    with pytest.raises(ImageInUse):
        await ci.images.remove("busybox")
    with pytest.raises(ContainerNotFound):
        await ci.containers.create(ContainerConfig(image="busybox", pid=f"container:{ours.id}"))
    await empty(ci)


async def test_an_id_in_use_elsewhere_is_refused_and_left_alone(
    supervisor: Supervisor, ci: Namespace, busybox: Image
) -> None:
    """Ids name directories and cgroups, which all namespaces share."""
    container = await supervisor.containers.create(ECHO)
    with pytest.raises(IdInUse):
        await ci.containers.create(ContainerConfig(image="host"), id=container.id)
    await container.start()
    assert (await container.wait()).code == 0
    await container.remove()
    again = await ci.containers.create(ContainerConfig(image="host"), id=container.id)
    await again.remove()


async def test_events(supervisor: Supervisor, ci: Namespace, busybox: Image) -> None:
    wanted = EventFilter(types=frozenset({"container"}))
    ours, theirs = (each.events.subscription(since=0, wanted=wanted) for each in (supervisor, ci))
    await (await ci.containers.create(ContainerConfig(image="host"), name="theirs")).remove()
    await (await supervisor.containers.create(ECHO, name="ours")).remove()
    for events, name, namespace in ((ours, "ours", "default"), (theirs, "theirs", "ci")):
        seen = [await asyncio.wait_for(anext(events), 5) for _ in range(2)]
        assert {event.attributes["name"] for event in seen} == {name}
        assert {event.namespace for event in seen} == {namespace}
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 0.2)
        await events.aclose()


async def test_leases(supervisor: Supervisor, ci: Namespace) -> None:
    await supervisor.leases.create("same")
    with pytest.raises(LeaseNotFound):
        await ci.leases.get("same")
    await ci.leases.create("same")
    await supervisor.leases.delete("same")
    assert [lease.id for lease in await ci.leases.list()] == ["same"]
    assert await supervisor.leases.list() == []


def ingest(namespace: Namespace | Supervisor, data: bytes, digest: str | None = None) -> str:
    with namespace.leases.lease() as lease:
        return namespace.content.ingest(io.BytesIO(data), lease, digest=digest).digest


async def kept(namespace: Namespace | Supervisor, data: bytes) -> str:
    """A blob that a lease of the namespace keeps."""
    lease = await namespace.leases.create()
    with namespace.leases.lease() as working:
        blob = await asyncio.to_thread(namespace.content.ingest, io.BytesIO(data), working)
        await namespace.leases.add(lease.id, LeaseResource.content(blob.digest))
    return blob.digest


async def test_a_blob_is_there_for_who_has_brought_it_in(supervisor: Supervisor, ci: Namespace) -> None:
    digest = await kept(supervisor, b"secret")
    lease = await ci.leases.create()

    def hidden() -> None:
        assert not ci.content.has(digest)
        assert list(ci.content.walk()) == []
        assert ci.content.labels(digest) == {}
        with ci.leases.lease() as working:
            assert ci.content.find(digest, working) is None
        with pytest.raises(ContentNotFound):
            ci.content.open(digest)
        with pytest.raises(ContentNotFound):
            ci.content.label(digest, {"mine": "now"})

    supervisor.content.label(digest, {"whose": "ours"})
    hidden()
    with pytest.raises(ContentNotFound):
        await ci.leases.add(lease.id, LeaseResource.content(digest))
    with pytest.raises(DigestMismatch):
        ingest(ci, b"a guess", digest)  # knowing the digest is not enough
    hidden()
    assert await kept(ci, b"secret") == digest
    with ci.content.open(digest) as file:
        assert file.read() == b"secret"
    assert len(Stored.of(supervisor).blobs) == 1
    assert ci.content.labels(digest) == {}
    assert ci.content.label(digest, {"whose": "theirs"}) == {"whose": "theirs"}
    assert supervisor.content.labels(digest) == {"whose": "ours"}
    for each in await ci.leases.list():
        await ci.leases.delete(each.id)
    hidden()  # what it does not need any more it does not see, though others keep it
    assert supervisor.content.labels(digest) == {"whose": "ours"}


async def test_an_archive_that_only_names_a_layer_does_not_get_it(
    supervisor: Supervisor, ci: Namespace, tmp_path: Path
) -> None:
    secret = layer(("secret", b"x" * 1000))
    await supervisor.images.import_archive(oci_layout(tmp_path / "ours", [secret]))
    forged = oci_layout(tmp_path / "theirs", [secret])
    (forged / "blobs/sha256" / sha(secret).removeprefix("sha256:")).write_bytes(b"0" * len(secret))
    with pytest.raises(DigestMismatch):
        await ci.images.import_archive(forged)
    assert ci.images.list()[1:] == []
    assert list(ci.content.walk()) == []
    await supervisor.images.remove("made")
    assert Stored.of(supervisor).empty


async def test_a_partial_ingest_is_gone_on_with_by_who_has_begun_it(supervisor: Supervisor, ci: Namespace) -> None:
    with supervisor.content.resume("layer") as begun:
        begun.write(b"secret")
    with ci.content.resume("layer") as other:
        assert other.offset == 0
        other.abort()
    with supervisor.content.resume("layer") as again:
        assert again.offset == 6
        again.abort()


async def test_they_come_back(tmp_short: Path, busybox_tar: Path) -> None:
    async with supervisor_in(tmp_short) as first:
        ci = first.namespace("ci")
        await ci.images.import_rootfs(busybox_tar, "busybox")
        container = await ci.containers.create(
            ContainerConfig(image="busybox", args=("sh", "-c", "trap 'exit 4' TERM; while :; do sleep 0.05; done")),
            name="on",
        )
        await container.start()
        await first.namespace("empty").leases.create("one")
    async with supervisor_in(tmp_short) as second:
        assert second.containers.list() == []
        assert await second.namespaces() == ["ci", "empty"]
        ci = second.namespace("ci")
        on = ci.containers.get("on")
        assert on.info().running
        await on.stop()
        assert on.info().exit_code == 4
        events = ci.events.subscription(since=0, wanted=EventFilter(types=frozenset({"container"})))
        assert (await asyncio.wait_for(anext(events), 5)).action == "create"
        await events.aclose()
        await second.namespace("empty").leases.delete("one")
        await empty(ci)
        assert await second.namespaces() == []
        assert Stored.of(second).empty
        await remove_all(second)


async def test_names_of_namespaces(supervisor: Supervisor) -> None:
    assert supervisor.namespace("a-b.c_1") is supervisor.namespace("a-b.c_1")
    assert supervisor.namespace("default").containers is supervisor.containers
    for name in ("", "a/b", "..", "-a", "a" * 77, "a\n"):
        with pytest.raises(InvalidName):
            supervisor.namespace(name)


async def test_a_supervisor_of_another_namespace(tmp_short: Path, busybox_tar: Path) -> None:
    async with Supervisor(tmp_short / "root", tmp_short / "state", namespace="ci") as supervisor:
        await supervisor.images.import_rootfs(busybox_tar, "busybox")
        assert supervisor.namespace("ci").images is supervisor.images
        assert len(supervisor.namespace("default").images.list()) == 1
        assert await supervisor.namespaces() == ["ci"]


def test_the_blocking_one(tmp_short: Path, busybox_tar: Path) -> None:
    with blocking.Supervisor(tmp_short / "root", tmp_short / "state") as supervisor:
        ci = supervisor.namespace("ci")
        ci.images.import_rootfs(busybox_tar, "busybox")
        assert len(supervisor.images.list()) == 1
        container = ci.containers.create(ECHO, name="one")
        container.start()
        assert container.wait().code == 0
        assert supervisor.namespaces() == ["ci"]
        container.remove()
