"""Files into and out of containers, running or not, whose symlinks lead anywhere."""

from __future__ import annotations

import asyncio
import io
import os
import stat
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pycontainerd import Container, Image, Supervisor
from pycontainerd.errors import Conflict, LayerError, PathNotFound, PathRefused
from tests.supervisor.archives import directory, entry, hard_link, layer, symlink
from tests.supervisor.running import create, output, start


async def arriving(data: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(data), 1000):
        yield data[at : at + 1000]


async def taken(container: Container, path: str) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(b"".join([piece async for piece in container.read_archive(path)])))


SCRIPT = (
    "mkdir -p /d/sub; echo x > /d/f; ln -s /d /link; ln -s ../../../../etc/shadow /d/out; ln /d/f /d/hard; mkfifo /d/p; "
    "touch /d/.wh.odd; echo ready; exec sleep 100"
)


async def ready(supervisor: Supervisor, script: str = SCRIPT) -> Container:
    container = await start(supervisor, script)
    async for _ in container.logs(follow=True):
        return container
    raise AssertionError("it said nothing")


@pytest.mark.parametrize("running", [True, False])
async def test_a_directory_and_a_file(supervisor: Supervisor, busybox: Image, running: bool) -> None:
    container = await ready(supervisor)
    if not running:
        await container.stop(timeout=0)
    with await taken(container, "/d") as archive:
        assert set(archive.getnames()) == {"d", "d/sub", "d/f", "d/out", "d/hard", "d/p", "d/.wh.odd"}
        assert archive.getmember("d/out").linkname == "../../../../etc/shadow"
    with await taken(container, "/link/f") as archive:
        assert archive.getnames() == ["f"]
    with await taken(container, "/link") as archive:
        assert archive.getmember("link").issym()
    with await taken(container, "/link/.") as archive:
        assert "./sub" in archive.getnames()
    link = await container.stat("link")
    assert (link.name, stat.S_ISLNK(link.mode), link.link_target) == ("link", True, "/d")
    assert (await container.stat("/d/out")).link_target == "/etc/shadow"
    assert (await container.stat("/")).name == "/"
    with pytest.raises(PathNotFound):
        await container.stat("/nothing")
    with pytest.raises(PathRefused):
        await container.stat("/d/f/x")
    with pytest.raises(PathRefused):
        await container.stat("/d\0/nothing")
    with pytest.raises(PathNotFound):
        await taken(container, "/nothing")
    await container.remove(force=True)


@pytest.mark.parametrize("running", [True, False])
async def test_put_over_what_is_there(supervisor: Supervisor, busybox: Image, running: bool) -> None:
    container = await ready(supervisor)
    if not running:
        await container.stop(timeout=0)
    made = layer(("f", b"new"), directory("sub", 0o711), (entry("sub/.wh.f", uid=5), b"kept"), hard_link("again", "f"))
    await container.write_archive("/link", arriving(made))
    with await taken(container, "/d") as archive:
        assert archive.extractfile("d/f").read() == b"new"  # type: ignore[union-attr]
        assert archive.extractfile("d/sub/.wh.f").read() == b"kept"  # type: ignore[union-attr]
        assert archive.getmember("d/sub/.wh.f").uid == 5
        assert archive.getmember("d/hard").size == 2, "the other name of what was replaced"
    with pytest.raises(LayerError, match="cannot overwrite directory"):
        await container.write_archive("/d", arriving(layer(("sub", b"file"))), keep_kinds=True)
    with pytest.raises(LayerError, match="cannot overwrite non-directory"):
        await container.write_archive("/d", arriving(layer(directory("f"))), keep_kinds=True)
    await container.write_archive("/d", arriving(layer(("sub", b"file"))))
    assert (await container.stat("/d/sub")).size == 4
    with pytest.raises(PathRefused):
        await container.write_archive("/d/f", arriving(made))
    with pytest.raises(PathNotFound):
        await container.write_archive("/nowhere", arriving(made))
    await container.remove(force=True)


async def test_a_read_only_root_is_not_written_to(supervisor: Supervisor, busybox: Image) -> None:
    container = await create(supervisor, "true", read_only=True)
    with pytest.raises(Conflict, match="read-only"):
        await container.write_archive("/", arriving(layer(("f", b""))))


async def test_a_tar_cannot_leave_through_the_containers_links(
    supervisor: Supervisor, busybox: Image, tmp_path: Path
) -> None:
    container = await ready(supervisor, f"ln -s {tmp_path} /way; ln -s / /d; echo ready; exec sleep 100")
    for made in (layer(("way/f", b"x")), layer(symlink("s", "/"), ("s/f", b"x")), layer(("../f", b"x"))):
        with pytest.raises(LayerError):
            await container.write_archive("/", arriving(made))
    with pytest.raises(PathNotFound):
        await container.write_archive("/way", arriving(layer(("f", b"x"))))
    assert os.listdir(tmp_path) == []
    await container.remove(force=True)


async def test_a_path_that_becomes_a_link_while_it_is_used(
    supervisor: Supervisor, busybox: Image, tmp_path: Path
) -> None:
    """CVE-2018-15664: the container exchanges a directory and a symlink to the host's root as fast as it can."""
    secret = tmp_path / "secret"
    secret.write_text("the host's")
    above = "/x" + str(tmp_path)
    script = (
        f"mkdir -p /real{tmp_path}; echo inside > /real{secret}; ln -s / /evil; echo ready; "
        "while true; do mv -T /real /x; mv -T /x /real; mv -T /evil /x; mv -T /x /evil; done"
    )
    container = await ready(supervisor, script)
    seen = 0
    deadline = asyncio.get_running_loop().time() + 4
    while asyncio.get_running_loop().time() < deadline:
        try:
            with await taken(container, f"{above}/secret") as archive:
                assert archive.extractfile("secret").read() == b"inside\n"  # type: ignore[union-attr]
                seen += 1
        except (PathNotFound, PathRefused):
            pass
        try:
            await container.write_archive(above, arriving(layer(("secret2", b"from inside"))))
            seen += 1
        except (PathNotFound, PathRefused, LayerError):
            pass
    assert seen, "the path was there at least once"
    assert os.listdir(tmp_path) == ["secret"]
    assert secret.read_text() == "the host's"
    await container.remove(force=True)


async def test_what_is_put_is_there(supervisor: Supervisor, busybox: Image) -> None:
    container = await create(supervisor, "cat /etc/made")
    await container.write_archive("etc", arriving(layer(("made", b"by hand\n"))))
    image = await container.commit()
    assert await output(supervisor, "cat /etc/made", image=image.id) == "by hand\n"
