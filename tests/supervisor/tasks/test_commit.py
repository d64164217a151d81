"""What a container has done to its files: told, taken as an image, and taken as a tar."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from pathlib import Path

import pytest

from pycontainerd import Change, ChangeKind, Container, Image, Status, Supervisor
from pycontainerd.errors import ImageError, LayerError
from tests.supervisor.running import output, start
from tests.supervisor.stores import Stored

SCRIPT = "echo new > /new; rm /etc/passwd; mkdir /d; echo deep > /d/deep; ln /new /d/link; chmod 711 /etc"


async def ended(supervisor: Supervisor, script: str = SCRIPT, **config: object) -> Container:
    container = await start(supervisor, script, **config)
    assert (await container.wait()).code == 0
    return container


async def test_changes(supervisor: Supervisor, busybox: Image) -> None:
    """And none of the mount points that the runtime has made."""
    assert await (await ended(supervisor)).changes() == [
        Change("/d", ChangeKind.ADDED),
        Change("/d/deep", ChangeKind.ADDED),
        Change("/d/link", ChangeKind.ADDED),
        Change("/etc", ChangeKind.MODIFIED),
        Change("/etc/passwd", ChangeKind.DELETED),
        Change("/new", ChangeKind.ADDED),
    ]


async def test_a_commit_runs(supervisor: Supervisor, busybox: Image) -> None:
    container = await ended(supervisor, env=("A=1",), user="0", labels={"by": "test"})
    image = await container.commit("made:1", changes=["CMD cat /new", "ENV B=2"], author="somebody", message="because")
    assert image.references == ("made:1",)
    assert image.layers[:-1] == busybox.layers
    assert image.config.cmd == ("/bin/sh", "-c", "cat /new")
    assert {"A=1", "B=2"} <= set(image.config.env)
    assert image.config.labels == {"by": "test"}
    document = json.loads(image.document)
    assert document["author"] == "somebody"
    assert document["history"][-1]["comment"] == "because"
    assert "echo new" in document["history"][-1]["created_by"]
    await container.remove()
    script = "cat /new /d/deep; test -e /etc/passwd || echo gone; stat -c %h /new; stat -c %a /etc"
    assert await output(supervisor, script, image="made:1") == "new\ndeep\ngone\n2\n711\n"


async def test_a_commit_of_a_commit(supervisor: Supervisor, busybox: Image) -> None:
    first = await (await ended(supervisor, "echo 1 > /one")).commit("made:1")
    second = await (await ended(supervisor, "rm /one; echo 2 > /two", image="made:1")).commit("made:2")
    assert second.layers[:-1] == first.layers
    assert await output(supervisor, "ls / | grep -E '^(one|two)$'", image="made:2") == "two\n"


async def test_a_running_container_stands_still_for_it(supervisor: Supervisor, busybox: Image) -> None:
    """Two files that are written one after the other, for ever: a commit has them as they were in one moment."""
    script = "n=0; while true; do n=$((n+1)); echo $n > /a; echo $n > /b; done"
    container = await start(supervisor, script)
    await asyncio.sleep(0.3)
    image = await container.commit()
    assert container.info().status is Status.RUNNING
    await container.commit("unpaused:1", pause=False)
    first = await output(supervisor, "cat /a", image=image.id)
    second = await output(supervisor, "cat /b", image=image.id)
    assert int(first or second) - int(second or first) in {0, 1}
    await container.remove(force=True)


async def test_a_commit_that_fails_leaves_nothing_and_nobody_paused(supervisor: Supervisor, busybox: Image) -> None:
    container = await start(supervisor, "touch /.wh.x; echo ready; sleep 100")
    async for _ in container.logs(follow=True):
        break
    before = Stored.of(supervisor)
    with pytest.raises(LayerError, match="rename it"):
        await container.commit("made:1")
    assert Stored.of(supervisor) == before
    assert container.info().status is Status.RUNNING
    process = await container.top()
    assert process
    await container.remove(force=True)


async def test_what_was_written_before_a_fork_is_still_a_change(supervisor: Supervisor, busybox: Image) -> None:
    container = await ended(supervisor, "echo 1 > /before")
    fork = await container.fork(start=False)
    for each in (container, fork):
        paths = {change.path for change in await each.changes()}
        assert "/before" in paths
        image = await each.commit()
        assert image.layers[:-1] == busybox.layers
        assert await output(supervisor, "cat /before", image=image.id) == "1\n"


async def test_an_export_is_all_that_the_container_has(supervisor: Supervisor, busybox: Image) -> None:
    container = await ended(supervisor)
    data = b"".join([piece async for piece in container.export()])
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = set(archive.getnames())
        assert {"bin/busybox", "new", "d/deep", "d/link"} <= names
        assert "etc/passwd" not in names
        assert archive.getmember("etc").mode == 0o711
    await supervisor.images.import_rootfs(_written(supervisor.root.parent / "e.tar", data), "flat")
    assert await output(supervisor, "cat /new", image="flat") == "new\n"


async def test_an_export_that_nobody_reads_to_its_end(supervisor: Supervisor, busybox: Image) -> None:
    container = await ended(supervisor)
    export = container.export()
    await anext(aiter(export))
    await export.aclose()
    await container.remove()


async def test_the_machine_cannot_be_committed_but_shows_its_changes(supervisor: Supervisor) -> None:
    container = await ended(supervisor, "echo x > /pycontainerd-was-here", image="host")
    assert Change("/pycontainerd-was-here", ChangeKind.ADDED) in await container.changes()
    hidden = [change.path for change in await container.changes() if str(supervisor.root).startswith(change.path)]
    assert all(path != str(supervisor.root) for path in hidden)
    with pytest.raises(ImageError, match="host"):
        await container.commit("made:1")


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
