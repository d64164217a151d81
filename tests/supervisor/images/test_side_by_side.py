"""Layers are unpacked side by side, in whatever order they arrive, and what comes of it is the same as one after the other."""

from __future__ import annotations

import io
import os
import stat
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pycontainerd.content.store import ContentStore
from pycontainerd.diff.apply import apply, settle
from pycontainerd.diff.confined import TooManyImplied
from pycontainerd.errors import DigestMismatch, LayerError
from pycontainerd.images.image import Image, Layer, chain_ids, expected_diff_ids, image_of
from pycontainerd.images.layers import Layers
from pycontainerd.images.progress import Step
from pycontainerd.images.stack import GivenUp, Stack
from pycontainerd.leases import Leases
from pycontainerd.metadata.database import Database
from pycontainerd.snapshots import copying
from pycontainerd.snapshots.native import NativeSnapshotter
from pycontainerd.snapshots.overlayfs import OverlaySnapshotter
from pycontainerd.snapshots.snapshotter import Kind
from tests.supervisor.archives import config, directory, entry, layer
from tests.supervisor.diff.trees import told

NAMES = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map("/".join)
MODES = st.sampled_from([0o755, 0o700, 0o1777, 0o2775])
OWNERS = st.sampled_from([(0, 0), (5, 6)])


KINDS = st.sampled_from(["file", "directory", "root", "whiteout", "opaque"])
ENTRIES = st.tuples(KINDS, NAMES, MODES, OWNERS, st.integers(1, 10**9))
TARS_OF = st.lists(st.lists(ENTRIES, max_size=5), min_size=2, max_size=4)
Described = tuple[str, str, int, tuple[int, int], int]


def made(described: Described) -> tarfile.TarInfo:
    """Files without the directories that they are in, directories, the root, whiteouts of both kinds."""
    kind, name, mode, (uid, gid), mtime = described
    above, _, leaf = name.rpartition("/")
    if kind == "whiteout":
        return entry(f"{above}/.wh.{leaf}".lstrip("/"))
    if kind == "opaque":
        return entry(f"{name}/.wh..wh..opq")
    if kind == "file":
        return entry(name, uid=uid, gid=gid, mtime=mtime)
    return directory(name if kind == "directory" else "./", mode, uid=uid, gid=gid, mtime=mtime)


def _told(root: Path) -> dict[bytes, tuple[object, ...]]:
    """Without what does not count: the owners and times of whiteouts, and the times of directories that no layer describes, which are now."""
    status = root.stat()
    found: dict[bytes, tuple[object, ...]] = {b"": (status.st_mode, status.st_uid, status.st_gid)}
    for path, (mode, uid, gid, mtime, *rest) in told(root).items():
        is_mark = stat.S_ISCHR(int(str(mode)))
        time_ns = mtime if isinstance(mtime, int) and mtime <= 10**18 else None
        found[path] = ("whiteout",) if is_mark else (mode, uid, gid, time_ns, *rest)
    return found


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(described=TARS_OF)
def test_a_loose_layer_becomes_what_it_would_have_become_in_its_place(
    tmp_path_factory: pytest.TempPathFactory, described: Sequence[Sequence[Described]]
) -> None:
    home = tmp_path_factory.mktemp("layers")
    below: list[str] = []
    for number, each in enumerate(described):
        tar, ordered, loose = layer(*map(made, each)), home / f"ordered-{number}", home / f"loose-{number}"
        ordered.mkdir(mode=0o755)
        loose.mkdir(mode=0o755)
        if below:  # as a snapshot begins that is prepared on top of others
            copying.dress(below[0], str(ordered), overlay=False)
        try:
            apply(io.BytesIO(tar), str(ordered), below)
        except LayerError:
            with pytest.raises(LayerError):
                apply(io.BytesIO(tar), str(loose), None)
            return
        settle(str(loose), below, apply(io.BytesIO(tar), str(loose), None).implied)
        assert _told(loose) == _told(ordered)
        below.insert(0, str(ordered))


@define
class Bench:
    """An overlayfs or native store of its own, with several images' layers in it."""

    home: Path
    native: bool = False
    threads: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(4))
    leases: Leases = field(factory=Leases)
    told: list[tuple[int, Step]] = field(factory=list)
    verified: list[Layer] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.database = Database(self.home / "metadata.db")
        self.content = ContentStore(self.home / "content")
        kind = NativeSnapshotter if self.native else OverlaySnapshotter
        self.snapshots = kind(self.home / "snapshots", self.database)
        self.layers = Layers(self.content, self.snapshots, None, self.threads)

    database: Database = field(init=False)
    content: ContentStore = field(init=False)
    snapshots: OverlaySnapshotter | NativeSnapshotter = field(init=False)
    layers: Layers = field(init=False)

    def image(self, *tars: bytes, promised: Sequence[bytes] = ()) -> Image:
        """With blobs of ``tars``; its configuration promises others."""
        document = config(promised or tars).decode()
        with self.leases.lease() as lease:
            stored = [self.content.ingest(io.BytesIO(tar), lease) for tar in tars]
        blobs = tuple(
            Layer(digest=blob.digest, size=blob.size, diff_id=diff)
            for blob, diff in zip(stored, expected_diff_ids(document), strict=True)
        )
        return image_of(document, blobs, 0)

    def stack(self, image: Image) -> Stack:
        return Stack(
            self.layers, image.layers, self.verified.append, lambda number, step: self.told.append((number, step))
        )

    def states(self) -> list[tuple[Kind, str | None]]:
        """Of all snapshots."""
        return sorted(
            ((each.kind, each.parent) for each in self.snapshots.walk()), key=lambda each: (each[0], each[1] or "")
        )

    def close(self) -> None:
        self.threads.shutdown()
        self.database.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


TARS = [layer((f"directory/file{number}", os.urandom(1000))) for number in range(5)]


def started(stack: Stack) -> Future[None]:
    done: Future[None] = Future()

    def run() -> None:
        try:
            stack.run()
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=run).start()
    return done


def until(condition: Callable[[], bool]) -> None:
    """Polls: what is awaited happens in a thread that tells nobody."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_the_last_to_arrive_may_be_the_lowest(bench: Bench) -> None:
    image = bench.image(*TARS)
    stack = bench.stack(image)
    done = started(stack)
    for number in (4, 3, 2, 1):
        stack.arrived(number, image.blobs[number])
    until(lambda: bench.layers.loose == 4)
    assert bench.states() == [(Kind.ACTIVE, None)] * 4
    assert not done.done()
    stack.arrived(0, image.blobs[0])
    done.result(30)
    chains = chain_ids(image.layers)
    assert {(each.key, each.parent, each.kind) for each in bench.snapshots.walk()} == {
        (chain, parent, Kind.COMMITTED) for chain, parent in zip(chains, (None, *chains), strict=False)
    }
    assert [number for number, step in bench.told if step is Step.EXTRACTED] == [0, 1, 2, 3, 4]
    assert sorted(number for number, step in bench.told if step is Step.EXTRACTING) == [0, 1, 2, 3, 4]
    bench.snapshots.prepare("all", chains[-1])
    assert [len(os.listdir(f"{below}/directory")) for below in bench.snapshots.below("all")] == [1] * 5


def test_where_a_snapshot_is_a_copy_one_goes_after_the_other(tmp_path: Path) -> None:
    bench = Bench(tmp_path, native=True)
    try:
        image = bench.image(*TARS)
        stack = bench.stack(image)
        done = started(stack)
        for number in (4, 3, 2, 1):
            stack.arrived(number, image.blobs[number])
        until(lambda: stack.idle)
        assert bench.states() == []
        stack.arrived(0, image.blobs[0])
        done.result(30)
        top = Path(bench.snapshots.writable(chain_ids(image.layers)[-1]))
        assert len(os.listdir(top / "directory")) == 5
    finally:
        bench.close()


def test_giving_up_leaves_nothing_but_what_is_committed(bench: Bench) -> None:
    image = bench.image(*TARS)
    stack = bench.stack(image)
    done = started(stack)
    for number in (0, 1, 3, 4):
        stack.arrived(number, image.blobs[number])
    until(lambda: (1, Step.EXTRACTED) in bench.told)
    stack.give_up()
    with pytest.raises(GivenUp):
        done.result(30)
    assert [kind for kind, _ in bench.states()] == [Kind.COMMITTED] * 2


@pytest.mark.parametrize("bad", [0, 2, 4])
def test_one_bad_layer_ends_all(bench: Bench, bad: int) -> None:
    promised = [*TARS]
    promised[bad] = layer(("other", b""))
    image = bench.image(*TARS, promised=promised)
    stack = bench.stack(image)
    for number in range(5):
        stack.arrived(number, image.blobs[number])
    with pytest.raises(DigestMismatch, match="diff id"):
        stack.run()
    assert all(kind is Kind.COMMITTED for kind, _ in bench.states())
    assert len(bench.states()) <= bad


def test_two_at_once_share_the_work(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each layer is unpacked once, and a layer that hangs in the air because of one image's registry is there for the other."""
    count = 0
    prepare = bench.snapshots.prepare

    def counted(key: str, parent: str | None) -> object:
        nonlocal count
        count += 1
        return prepare(key, parent)

    monkeypatch.setattr(bench.snapshots, "prepare", counted)
    image = bench.image(*TARS)
    waiting, quick = bench.stack(image), bench.stack(image)
    first = started(waiting)
    for number in (1, 2, 3, 4):
        waiting.arrived(number, image.blobs[number])
    until(lambda: bench.layers.loose == 4)
    for number in range(5):
        quick.arrived(number, image.blobs[number])
    quick.run()
    assert count == 5
    assert not first.done()
    waiting.arrived(0, image.blobs[0])
    first.result(30)
    assert count == 5
    assert [kind for kind, _ in bench.states()] == [Kind.COMMITTED] * 5


def test_who_relied_on_a_loose_layer_of_somebody_who_gave_up_does_it_again(bench: Bench) -> None:
    image = bench.image(*TARS)
    fickle, steady = bench.stack(image), bench.stack(image)
    first, second = started(fickle), started(steady)
    for number in (1, 2):
        fickle.arrived(number, image.blobs[number])
    until(lambda: bench.layers.loose == 2)
    for number in (1, 2, 3, 4):
        steady.arrived(number, image.blobs[number])
    until(lambda: bench.layers.loose == 4)
    until(lambda: steady.idle)
    fickle.give_up()
    with pytest.raises(GivenUp):
        first.result(30)
    steady.arrived(0, image.blobs[0])
    second.result(30)
    assert [kind for kind, _ in bench.states()] == [Kind.COMMITTED] * 5


def test_another_blob_of_a_known_layer_is_looked_at(bench: Bench) -> None:
    image = bench.image(*TARS)
    stack = bench.stack(image)
    for number in range(5):
        stack.arrived(number, image.blobs[number])
    stack.run()
    assert bench.verified == []
    again = bench.stack(image)
    for number in range(5):
        again.arrived(number, image.blobs[number])
    again.run()
    assert set(bench.verified) == set(image.blobs)


def test_more_directories_without_entries_than_are_remembered(bench: Bench) -> None:
    """They are unpacked once it is known what they cover, and are like that."""
    tmp = layer(*(directory(f"d{number}", 0o1777) for number in range(5000)))
    many = layer(*((f"d{number}/x", b"") for number in range(5000)))
    (bench.home / "too-many").mkdir()
    with pytest.raises(TooManyImplied):
        apply(io.BytesIO(many), str(bench.home / "too-many"), None)
    image = bench.image(tmp, many)
    stack = bench.stack(image)
    for number in range(2):
        stack.arrived(number, image.blobs[number])
    stack.run()
    top = Path(bench.snapshots.writable(chain_ids(image.layers)[-1]))
    assert {stat.S_IMODE(path.stat().st_mode) for path in top.iterdir()} == {0o1777}
