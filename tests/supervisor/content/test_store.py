"""Blobs: nothing unverified is visible, nothing is left of what failed, and leases keep what work needs."""

from __future__ import annotations

import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pycontainerd.content.store import ContentStore
from pycontainerd.errors import ContentNotFound, DigestMismatch, InvalidDigest
from pycontainerd.leases import Lease, Leases
from tests.supervisor.archives import sha


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    return ContentStore(tmp_path / "content")


@pytest.fixture
def lease() -> Lease:
    return Lease(Leases())


def test_what_is_ingested_can_be_read(store: ContentStore, lease: Lease) -> None:
    data = os.urandom(1_000_000)
    blob = store.ingest(io.BytesIO(data), lease, digest=sha(data), size=len(data))
    assert (blob.digest, blob.size) == (sha(data), len(data))
    with store.open(blob.digest) as file:
        assert file.read() == data
    assert list(store.walk()) == [blob]
    assert blob.digest in lease.names
    store.delete(blob.digest)
    assert not store.has(blob.digest)
    with pytest.raises(ContentNotFound, match=blob.digest):
        store.open(blob.digest)


@pytest.mark.parametrize("promise", [{"digest": sha(b"other")}, {"size": 3}])
def test_what_is_not_as_promised_leaves_nothing(store: ContentStore, lease: Lease, promise: dict[str, object]) -> None:
    with pytest.raises(DigestMismatch, match="thing"):
        store.ingest(io.BytesIO(b"data"), lease, what="thing", **promise)  # type: ignore[arg-type]
    assert list(store.walk()) == []
    assert list(store.ingest_directory.iterdir()) == []


def test_a_source_that_breaks_leaves_nothing(store: ContentStore, lease: Lease) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("cut off")

    with pytest.raises(OSError, match="cut off"):
        store.ingest(Broken(), lease)
    assert list(store.walk()) == []
    assert list(store.ingest_directory.iterdir()) == []


def test_what_a_crash_has_left_is_removed_at_opening(store: ContentStore, tmp_path: Path) -> None:
    (store.ingest_directory / "half").write_bytes(b"half a blob")
    assert list(ContentStore(tmp_path / "content").ingest_directory.iterdir()) == []


@pytest.mark.parametrize("digest", ["sha256:../../etc/passwd", "sha512:" + "0" * 64, "", "sha256:" + "A" * 64])
def test_a_digest_never_becomes_another_path(store: ContentStore, digest: str) -> None:
    with pytest.raises(InvalidDigest):
        store.open(digest)


def test_many_may_ingest_the_same_at_once(store: ContentStore, lease: Lease) -> None:
    data = os.urandom(500_000)
    with ThreadPoolExecutor(8) as pool:
        blobs = set(pool.map(lambda _: store.ingest(io.BytesIO(data), lease), range(16)))
    assert {blob.digest for blob in blobs} == {sha(data)}
    assert len(list(store.walk())) == 1


def test_a_lease_ends_with_its_context_and_counts() -> None:
    leases = Leases()
    with leases.lease() as first:
        first.hold("a", "a")
        with leases.lease() as second:
            second.hold("a", "b")
            with leases.standing() as held:
                assert held == {"a", "b"}
        with leases.standing() as held:
            assert held == {"a"}
    with leases.standing() as held:
        assert held == set()


def test_nobody_begins_to_hold_while_somebody_deletes() -> None:
    leases = Leases()
    order: list[str] = []

    def hold() -> None:
        with leases.lease() as lease:
            lease.hold("a")
            order.append("held")

    with ThreadPoolExecutor(1) as pool:
        with leases.standing():
            holding = pool.submit(hold)
            time.sleep(0.05)
            order.append("deleted")
        holding.result(5)
    assert order == ["deleted", "held"]
