"""What happens to images is told in docker's words, in the transaction that it happens in."""

from __future__ import annotations

from pathlib import Path

from pycontainerd import EventFilter, Supervisor
from tests.supervisor.archives import layer, oci_layout


async def test_the_life_of_an_image(supervisor: Supervisor, busybox_tar: Path, tmp_path: Path) -> None:
    heard = supervisor.events.subscription(wanted=EventFilter())
    made = await supervisor.images.import_rootfs(busybox_tar, "one", changes=["LABEL a=b"])
    await supervisor.images.tag("one", "two:1")
    await supervisor.images.remove("one")
    await supervisor.images.remove("two:1")
    (loaded,) = await supervisor.images.import_archive(oci_layout(tmp_path / "layout", [layer(("a", b"1"))]))
    found = [await anext(heard) for _ in range(6)]
    await heard.aclose()
    assert [(each.type, each.action, each.actor) for each in found] == [
        ("image", "import", made.id),
        ("image", "tag", made.id),
        ("image", "untag", made.id),
        ("image", "untag", made.id),
        ("image", "delete", made.id),
        ("image", "load", loaded.id),
    ]
    assert found[0].attributes == {"a": "b", "name": made.id}
    assert found[1].attributes["name"] == "two:1"
