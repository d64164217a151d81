"""Blobs: nothing unverified is visible, nothing is left of what failed, and leases keep what work needs."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pycontainerd.content.claims import Claim
from pycontainerd.content.store import ContentStore
from pycontainerd.errors import ContentNotFound, DigestMismatch, IngestInUse, InvalidDigest
from pycontainerd.leases import Lease, Leases
from pycontainerd.metadata.database import Database
from tests.supervisor.archives import sha


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "metadata.db")
    yield made
    made.close()


@pytest.fixture
def store(tmp_path: Path, database: Database) -> ContentStore:
    return ContentStore(tmp_path / "content", database)


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


def test_who_brings_in_the_same_at_once_shares_the_work(store: ContentStore, lease: Lease) -> None:
    """The second waits, and does not read its own source."""
    reading, go_on = threading.Event(), threading.Event()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            reading.set()
            assert go_on.wait(10)
            return super().read(size)

    second = io.BytesIO(b"data")
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(store.ingest, Slow(b"data"), lease, digest=sha(b"data"))
        assert reading.wait(10)
        other = pool.submit(store.ingest, second, lease, digest=sha(b"data"), size=4)
        time.sleep(0.05)
        assert not other.done()
        go_on.set()
        assert first.result(10) == other.result(10)
    assert second.tell() == 0


def test_who_waited_for_work_that_failed_does_it(store: ContentStore, lease: Lease) -> None:
    claim = store.claims.claim(sha(b"data"))
    assert isinstance(claim, Claim)
    with ThreadPoolExecutor(1) as pool:
        with claim:
            waiting = pool.submit(store.ingest, io.BytesIO(b"data"), lease, digest=sha(b"data"))
            time.sleep(0.05)
            assert not waiting.done()
        assert waiting.result(10).size == 4


def test_a_partial_ingest_is_gone_on_with_after_a_restart(store: ContentStore, lease: Lease, tmp_path: Path) -> None:
    data = os.urandom(1_000_000)
    with store.resume("ours", digest=sha(data), size=len(data)) as ingest:
        ingest.write(data[:700_000])
    (partial,) = ContentStore(tmp_path / "content").partials.walk()
    assert (partial.reference, partial.offset, partial.digest) == ("ours", 700_000, sha(data))
    again = ContentStore(tmp_path / "content")
    assert again.usage().partial == 700_000
    with again.resume("ours", digest=sha(data), size=len(data)) as ingest:
        assert ingest.offset == 700_000
        ingest.write(data[700_000:])
        assert not again.has(sha(data))
        ingest.commit(lease)
    assert again.path(sha(data)).read_bytes() == data
    assert list(again.partials.walk()) == []
    assert list((tmp_path / "content/partial").iterdir()) == []


def test_a_reference_that_is_to_become_something_else_begins_anew(store: ContentStore) -> None:
    with store.resume("ours", digest=sha(b"one")) as ingest:
        ingest.write(b"on")
    with store.resume("ours", digest=sha(b"two")) as ingest:
        assert ingest.offset == 0


def test_a_partial_ingest_of_the_wrong_bytes_is_not_kept(store: ContentStore, lease: Lease) -> None:
    with store.resume("ours", digest=sha(b"data"), size=4) as ingest:
        ingest.write(b"dat")
        with pytest.raises(DigestMismatch, match="size"):
            ingest.write(b"aaa")
    with store.resume("ours", digest=sha(b"data"), size=4) as ingest:
        assert ingest.offset == 0
        ingest.write(b"date")
        with pytest.raises(DigestMismatch, match="sha256"):
            ingest.commit(lease)
    assert list(store.partials.walk()) == []
    assert list(store.walk()) == []


def test_a_reference_has_one_writer(store: ContentStore) -> None:
    with store.resume("ours") as ingest:
        with pytest.raises(IngestInUse, match="ours"):
            store.resume("ours")
        with pytest.raises(IngestInUse, match="ours"):
            store.partials.abort("ours")
        ingest.write(b"x")
    store.partials.abort("ours")
    assert list(store.partials.walk()) == []


def test_stale_ingests_are_removed_and_used_ones_are_not(store: ContentStore, tmp_path: Path) -> None:
    for name in ("old", "used", "young"):
        with store.resume(name) as ingest:
            ingest.write(name.encode())
    long_ago = time.time() - 25 * 60 * 60
    for path in (tmp_path / "content/partial").iterdir():
        if path.suffix != ".json" and path.read_bytes() != b"young":
            os.utime(path, (long_ago, long_ago))
    (tmp_path / "content/partial" / ("0" * 64)).write_bytes(b"of a crash")
    with store.resume("used"):
        store.partials.clean()
    assert {partial.reference for partial in store.partials.walk()} == {"used", "young"}
    assert len(list((tmp_path / "content/partial").iterdir())) == 4


def test_labels_stay_with_their_blob(store: ContentStore, lease: Lease, database: Database, tmp_path: Path) -> None:
    one, two = (store.ingest(io.BytesIO(data), lease) for data in (b"one", b"two"))
    assert store.labels(one.digest) == {}
    assert store.label(one.digest, {"a": "1", "b": "2"}) == {"a": "1", "b": "2"}
    store.label(two.digest, {"a": "1"})
    assert store.label(one.digest, {"b": None, "c": "3"}) == {"a": "1", "c": "3"}
    again = ContentStore(tmp_path / "content", database)
    assert {blob.digest for blob in again.walk({"a": "1"})} == {one.digest, two.digest}
    assert list(again.walk({"a": "1", "c": "3"})) == [one]
    store.delete(one.digest)
    assert store.labels(one.digest) == {}
    with pytest.raises(ContentNotFound):
        store.label(one.digest, {"a": "1"})


def test_usage(store: ContentStore, lease: Lease) -> None:
    store.ingest(io.BytesIO(b"x" * 1000), lease)
    store.ingest(io.BytesIO(b"y" * 500), lease)
    usage = store.usage()
    assert (usage.blobs, usage.size, usage.partial) == (2, 1500, 0)


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
