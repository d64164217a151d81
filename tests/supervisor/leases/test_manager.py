"""Leases that are kept: what they keep, for how long, and over restarts."""

from __future__ import annotations

import asyncio
import io
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pycontainerd import Collected, Image, LeaseResource, Supervisor
from pycontainerd.errors import (
    ContentNotFound,
    InvalidConfig,
    InvalidName,
    LeaseExists,
    LeaseNotFound,
    SnapshotNotFound,
)
from pycontainerd.images.image import chain_ids
from tests.supervisor.conftest import supervisor_in
from tests.supervisor.stores import Stored

NOTHING = Collected(blobs=0, snapshots=0, size=0)


async def ingested(supervisor: Supervisor, data: bytes, lease_id: str) -> str:
    """A blob that the kept lease holds before the working one ends."""
    with supervisor.leases.lease() as working:
        blob = await asyncio.to_thread(supervisor.content.ingest, io.BytesIO(data), working)
        await supervisor.leases.add(lease_id, LeaseResource.content(blob.digest))
    return blob.digest


async def until_gone(supervisor: Supervisor, digest: str) -> None:
    deadline = time.monotonic() + 10
    while supervisor.content.has(digest):
        assert time.monotonic() < deadline, "it is kept"
        await asyncio.sleep(0.02)


async def test_it_keeps_a_blob_until_it_is_deleted(supervisor: Supervisor) -> None:
    lease = await supervisor.leases.create("mine", labels={"for": "a test"})
    digest = await ingested(supervisor, b"kept", lease.id)
    assert await supervisor.collect() == NOTHING
    assert supervisor.content.has(digest)
    assert await supervisor.leases.get("mine") == lease
    assert await supervisor.leases.list() == [lease]
    assert await supervisor.leases.resources("mine") == [LeaseResource.content(digest)]
    await supervisor.leases.delete("mine")
    assert Stored.of(supervisor).empty
    assert await supervisor.leases.list() == []


async def test_it_keeps_the_layers_of_an_image_that_is_removed(supervisor: Supervisor, busybox: Image) -> None:
    lease = await supervisor.leases.create()
    (chain,) = chain_ids(busybox.layers)
    await supervisor.leases.add(lease.id, LeaseResource.snapshot(chain))
    await supervisor.images.remove("busybox")
    assert not supervisor.content.has(busybox.blobs[0].digest)
    assert supervisor.snapshots.exists(chain)
    await supervisor.leases.release(lease.id, LeaseResource.snapshot(chain), LeaseResource.snapshot("it holds none"))
    stored = Stored.of(supervisor)
    assert (stored.blobs, stored.snapshots) == (frozenset(), frozenset())
    await supervisor.leases.delete(lease.id)
    assert Stored.of(supervisor).empty


async def test_it_outlives_the_supervisor(tmp_short: Path) -> None:
    async with supervisor_in(tmp_short) as first:
        lease = await first.leases.create(expires_in=timedelta(hours=1))
        digest = await ingested(first, b"kept", lease.id)
    async with supervisor_in(tmp_short) as second:
        assert await second.leases.list() == [lease]
        assert second.content.has(digest)
        await second.leases.delete(lease.id)
        assert Stored.of(second).empty


async def test_it_expires_by_itself(supervisor: Supervisor) -> None:
    later = await supervisor.leases.create("later", expires_in=timedelta(hours=1))
    soon = await supervisor.leases.create("soon", expires_in=timedelta(seconds=0.3))
    assert soon.expires_at is not None
    assert soon.expires_at - soon.created_at == timedelta(seconds=0.3)
    digest = await ingested(supervisor, b"kept for a moment", soon.id)
    assert supervisor.content.has(digest)
    await until_gone(supervisor, digest)
    assert datetime.now(UTC) >= soon.expires_at
    assert await supervisor.leases.list() == [later]
    with pytest.raises(LeaseNotFound, match="soon"):
        await supervisor.leases.get("soon")
    assert await supervisor.leases.create("soon") != soon  # its name is free again


async def test_it_expires_while_there_is_no_supervisor(tmp_short: Path) -> None:
    async with supervisor_in(tmp_short) as first:
        lease = await first.leases.create(expires_in=timedelta(seconds=0.05))
        await ingested(first, b"kept for a moment", lease.id)
    await asyncio.sleep(0.1)
    async with supervisor_in(tmp_short) as second:
        assert Stored.of(second).empty


async def test_it_can_be_extended(supervisor: Supervisor) -> None:
    lease = await supervisor.leases.create(expires_in=timedelta(seconds=0.4))
    digest = await ingested(supervisor, b"kept", lease.id)
    assert (await supervisor.leases.extend(lease.id, None)).expires_at is None
    await asyncio.sleep(0.8)
    await supervisor.collect()
    assert supervisor.content.has(digest)
    await supervisor.leases.extend(lease.id, timedelta(seconds=0.05))
    await until_gone(supervisor, digest)


async def test_a_label_of_a_leased_blob_keeps_others(supervisor: Supervisor) -> None:
    """As containerd's clients keep what a manifest refers to."""
    lease = await supervisor.leases.create()
    with supervisor.leases.lease() as working:
        layer = await asyncio.to_thread(supervisor.content.ingest, io.BytesIO(b"layer"), working)
        manifest = await ingested(supervisor, b"manifest", lease.id)
        await asyncio.to_thread(supervisor.content.label, manifest, {"containerd.io/gc.ref.content.0": layer.digest})
    assert await supervisor.collect() == NOTHING
    await supervisor.leases.delete(lease.id)
    assert Stored.of(supervisor).empty


async def test_what_is_refused(supervisor: Supervisor) -> None:
    absent = "sha256:" + "0" * 64
    await supervisor.leases.create("one")
    with pytest.raises(LeaseExists, match="one"):
        await supervisor.leases.create("one")
    with pytest.raises(InvalidName, match=r"\.\./one"):
        await supervisor.leases.create("../one")
    for moment in (timedelta(0), timedelta(days=999_999_999)):
        with pytest.raises(InvalidConfig, match="expires_in"):
            await supervisor.leases.create(expires_in=moment)
    with pytest.raises(ContentNotFound, match=absent):
        await supervisor.leases.add("one", LeaseResource.content(absent))
    with pytest.raises(SnapshotNotFound, match=absent):
        await supervisor.leases.add("one", LeaseResource.snapshot(absent))
    for call in (
        supervisor.leases.get("other"),
        supervisor.leases.resources("other"),
        supervisor.leases.add("other"),
        supervisor.leases.release("other"),
        supervisor.leases.extend("other", None),
        supervisor.leases.delete("other"),
    ):
        with pytest.raises(LeaseNotFound, match="other"):
            await call
    assert await supervisor.leases.resources("one") == []
    assert [lease.id for lease in await supervisor.leases.list()] == ["one"]
