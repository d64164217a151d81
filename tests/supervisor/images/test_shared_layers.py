"""Many images of an archive that have one layer: it is read, stored and verified once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pycontainerd import Supervisor
from pycontainerd.content.store import ContentStore
from tests.supervisor.archives import config, layer, sha

COUNT = 300


def archive(target: Path, count: int) -> Path:
    """What ``docker save`` of as many images with one layer writes."""
    one = layer(("f", b"content" * 1000))
    documents = [config([one], Labels={"number": str(number)}) for number in range(count)]
    names = [f"{sha(document).removeprefix('sha256:')}.json" for document in documents]
    manifest = [
        {"Config": name, "RepoTags": [f"image{number}:1"], "Layers": ["layer.tar"]} for number, name in enumerate(names)
    ]
    members = [
        ("layer.tar", one),
        *zip(names, documents, strict=True),
        ("manifest.json", json.dumps(manifest).encode()),
    ]
    target.write_bytes(layer(*members))
    return target


async def test_one_layer_of_many_images_is_taken_in_once(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    ingest = ContentStore.ingest

    def counted(self: ContentStore, *arguments: Any, **more: Any) -> Any:
        taken.append(more["what"])
        return ingest(self, *arguments, **more)

    monkeypatch.setattr(ContentStore, "ingest", counted)
    images = await supervisor.images.import_archive(archive(tmp_path / "many.tar", COUNT))
    assert len(images) == COUNT
    assert taken == ["layer layer.tar"]
    assert len({image.layers for image in images}) == 1
    assert supervisor.images.get("image7:1").config.labels == {"number": "7"}
