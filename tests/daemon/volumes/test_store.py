"""The store on a real disk: what is made, found, removed, and what a killed daemon has left."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pydockerd.errors import ApiError, BadRequest, Conflict, InternalError, NotFound
from pydockerd.state.database import open_database
from pydockerd.volumes.store import VolumeStore
from pydockerd.volumes.volume import ANONYMOUS, State

Open = Callable[[], VolumeStore]


@pytest.fixture
def reopen(tmp_path: Path) -> Iterator[Open]:
    """Opens the store on the same directory; the one that was open is left as a killed daemon leaves it."""
    with ExitStack() as stack:

        def opened() -> VolumeStore:
            stack.close()
            return VolumeStore(stack.enter_context(open_database(tmp_path)), tmp_path)

        yield opened


async def test_a_volume_is_a_directory_and_a_row(reopen: Open, tmp_path: Path) -> None:
    volume, fresh = await reopen().create("data", labels={"a": "b"})
    assert (fresh, volume.path, volume.anonymous) == (True, tmp_path / "volumes/data/_data", False)
    assert volume.path.stat().st_mode & 0o7777 == 0o755
    (volume.path / "file").write_text("kept")
    again = reopen()
    assert again.list() == [volume]
    found, fresh = await again.create("data", options={"type": "tmpfs", "device": "tmpfs"})
    assert (found, fresh) == (volume, False)
    await again.remove("data")
    assert list((tmp_path / "volumes").rglob("*")) == [tmp_path / "volumes/.removed"]
    with pytest.raises(NotFound, match="get data: no such volume"):
        again.get("data")
    assert reopen().list() == []


async def test_without_a_name(reopen: Open) -> None:
    volume, _ = await reopen().create(labels={"a": "b"})
    assert len(volume.name) == 64
    assert volume.anonymous
    assert volume.labels == {"a": "b", ANONYMOUS: ""}


@pytest.mark.parametrize(
    ("name", "driver", "kind", "message"),
    [
        (
            "a",
            "",
            BadRequest,
            "create a: volume name is too short, names should be at least two alphanumeric characters",
        ),
        ("../x", "", BadRequest, r'create \.\./x: "\.\./x" includes invalid characters for a local volume name'),
        (".hidden", "", BadRequest, "includes invalid characters"),
        ("x" * 256, "", BadRequest, "too long"),
        ("data", "nfs", NotFound, 'create data: error looking up volume plugin nfs: plugin "nfs" not found'),
    ],
)
async def test_what_cannot_be(
    reopen: Open, tmp_path: Path, name: str, driver: str, kind: type[ApiError], message: str
) -> None:
    store = reopen()
    with pytest.raises(kind, match=message):
        await store.create(name, driver)
    assert list((tmp_path / "volumes").iterdir()) == []


async def test_in_use(reopen: Open) -> None:
    store = reopen()
    volume, _ = await store.create("data")
    store.refer("c2", ["data"])
    store.refer("c1", ["data"])
    with pytest.raises(Conflict) as caught:
        await store.remove("data")
    assert caught.value.message == "remove data: volume is in use - [c1, c2]"
    store.forget("c1", ["data"])
    store.forget("c2", ["data"])
    await store.remove("data")
    assert not volume.path.exists()
    with pytest.raises(NotFound):
        store.refer("c1", ["data"])


async def test_a_removal_that_was_begun_is_ended(reopen: Open, tmp_path: Path) -> None:
    store = reopen()
    volume, _ = await store.create("data")
    (volume.path / "file").write_text("x")
    await store.settle(["data"], "", State.REMOVING)
    assert reopen().list() == []
    assert not (tmp_path / "volumes/data").exists()
    assert not [*(tmp_path / "volumes/.removed").iterdir()]


async def test_data_without_a_row_are_taken_in(reopen: Open, tmp_path: Path) -> None:
    reopen()
    (tmp_path / "volumes/found/_data").mkdir(parents=True)
    (tmp_path / "volumes/found/_data/file").write_text("kept")
    (tmp_path / "volumes/begun/_data").mkdir(parents=True)
    store = reopen()
    assert [volume.name for volume in store.list()] == ["found"]
    assert (store.get("found").path / "file").read_text() == "kept"
    assert not (tmp_path / "volumes/begun").exists()


async def test_what_somebody_has_mounted_is_not_walked_into(reopen: Open, tmp_path: Path) -> None:
    store = reopen()
    volume, _ = await store.create("data")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("kept")
    (volume.path / "inner").mkdir()
    subprocess.run(["mount", "--bind", precious, volume.path / "inner"], check=True)
    try:
        with pytest.raises(InternalError, match="remove data: unable to remove volume: device or resource busy"):
            await store.remove("data")
        await store.settle(["data"], "", State.REMOVING)
        assert [each.state for each in reopen().list()] == [State.REMOVING]
    finally:
        subprocess.run(["umount", volume.path / "inner"], check=True)
    assert reopen().list() == []
    assert (precious / "file").read_text() == "kept"


async def test_a_volume_that_is_a_bind_is_not_emptied(reopen: Open, tmp_path: Path) -> None:
    """Not even if the mount cannot be seen: only rmdir(2) is used."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("kept")
    store = reopen()
    volume, _ = await store.create("data", options={"type": "none", "o": "bind", "device": str(precious)})
    subprocess.run(["mount", "--bind", precious, volume.path], check=True)
    await store.remove("data")
    assert (precious / "file").read_text() == "kept"
    assert not volume.path.parent.exists()
    assert str(volume.path) not in Path("/proc/self/mountinfo").read_text()


async def test_sizes(reopen: Open) -> None:
    store = reopen()
    volume, _ = await store.create("data")
    (volume.path / "file").write_bytes(b"x" * 100_000)
    assert 100_000 <= store.size(volume) < 120_000
