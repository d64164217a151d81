"""The tables ``images`` and ``image_references``. Every function runs inside the caller's transaction."""

from __future__ import annotations

import json
import sqlite3

from pycontainerd.images.image import Image, Layer, image_of


def load(connection: sqlite3.Connection) -> dict[str, Image]:
    """All images by id."""
    names: dict[str, list[str]] = {}
    for name, owner in connection.execute("SELECT name, image_id FROM image_references ORDER BY name"):
        names.setdefault(owner, []).append(name)
    rows = connection.execute("SELECT id, config, layers, size, manifest FROM images").fetchall()
    return {
        image_id: image_of(
            config,
            tuple(Layer(**layer) for layer in json.loads(layers)),
            size,
            tuple(names.get(image_id, ())),
            manifest,
        )
        for image_id, config, layers, size, manifest in rows
    }


def insert(connection: sqlite3.Connection, image: Image, created_ns: int) -> None:
    """Add an image; one that is there already stays as it is."""
    layers = [{"digest": layer.digest, "size": layer.size, "diff_id": layer.diff_id} for layer in image.blobs]
    connection.execute(
        "INSERT OR IGNORE INTO images (id, config, layers, size, created_ns, manifest) VALUES (?, ?, ?, ?, ?, ?)",
        (image.id, image.document, json.dumps(layers), image.size, created_ns, image.manifest),
    )


def name(connection: sqlite3.Connection, reference: str, image_id: str) -> None:
    """Give an image a name, which no other has any more."""
    connection.execute("INSERT OR REPLACE INTO image_references (name, image_id) VALUES (?, ?)", (reference, image_id))


def unname(connection: sqlite3.Connection, reference: str) -> None:
    """Take a name away."""
    connection.execute("DELETE FROM image_references WHERE name = ?", (reference,))


def delete(connection: sqlite3.Connection, image_id: str) -> None:
    """Forget an image and its names."""
    connection.execute("DELETE FROM image_references WHERE image_id = ?", (image_id,))
    connection.execute("DELETE FROM images WHERE id = ?", (image_id,))
