"""The tables ``images`` and ``image_references``. Every function runs inside the caller's transaction."""

from __future__ import annotations

import json
import sqlite3

from attrs import evolve

from pycontainerd.images.image import Image, Layer, image_of


def load(connection: sqlite3.Connection, namespace: str) -> dict[str, Image]:
    """All images of a namespace by id."""
    names: dict[str, list[str]] = {}
    named = "SELECT name, image_id FROM image_references WHERE namespace = ? ORDER BY name"
    for name, owner in connection.execute(named, (namespace,)):
        names.setdefault(owner, []).append(name)
    query = "SELECT id, config, layers, size, manifest, tagged_ns FROM images WHERE namespace = ?"
    rows = connection.execute(query, (namespace,)).fetchall()
    return {
        image_id: evolve(
            image_of(
                config,
                tuple(Layer(**layer) for layer in json.loads(layers)),
                size,
                tuple(names.get(image_id, ())),
                manifest,
            ),
            tagged_ns=tagged_ns,
        )
        for image_id, config, layers, size, manifest, tagged_ns in rows
    }


def insert(connection: sqlite3.Connection, namespace: str, image: Image, created_ns: int) -> None:
    """Add an image; one that is there already stays as it is."""
    layers = [{"digest": layer.digest, "size": layer.size, "diff_id": layer.diff_id} for layer in image.blobs]
    connection.execute(
        "INSERT OR IGNORE INTO images (namespace, id, config, layers, size, created_ns, manifest) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (namespace, image.id, image.document, json.dumps(layers), image.size, created_ns, image.manifest),
    )


def name(connection: sqlite3.Connection, namespace: str, reference: str, image_id: str) -> None:
    """Give an image a name, which no other has any more."""
    connection.execute(
        "INSERT OR REPLACE INTO image_references (namespace, name, image_id) VALUES (?, ?, ?)",
        (namespace, reference, image_id),
    )


def tagged(connection: sqlite3.Connection, namespace: str, image_id: str, time_ns: int) -> None:
    """Write down when an image was given a name here."""
    connection.execute("UPDATE images SET tagged_ns = ? WHERE namespace = ? AND id = ?", (time_ns, namespace, image_id))


def unname(connection: sqlite3.Connection, namespace: str, reference: str) -> None:
    """Take a name away."""
    connection.execute("DELETE FROM image_references WHERE namespace = ? AND name = ?", (namespace, reference))


def delete(connection: sqlite3.Connection, namespace: str, image_id: str) -> None:
    """Forget an image and its names."""
    connection.execute("DELETE FROM image_references WHERE namespace = ? AND image_id = ?", (namespace, image_id))
    connection.execute("DELETE FROM images WHERE namespace = ? AND id = ?", (namespace, image_id))
