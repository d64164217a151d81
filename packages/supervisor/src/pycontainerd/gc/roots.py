"""What the metadata refer to: where the collection begins, and how it goes on. Every function runs inside the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from functools import lru_cache

from attrs import Factory, frozen

from pycontainerd.images.image import chain_ids
from pycontainerd.leases import table as leases
from pycontainerd.leases.resource import LeaseResource

_ROOT = "containerd.io/gc.root"
_REFERENCES = {
    "containerd.io/gc.ref.content": LeaseResource.content,
    "containerd.io/gc.ref.snapshot": LeaseResource.snapshot,
}
"""Labels of a blob, as containerd knows them: the name of one begins with these words, and may go on after a dot or a slash."""


@frozen
class References:
    """Of each namespace: ``roots`` live by themselves, ``by_label`` tells what a blob refers to."""

    roots: dict[str, set[LeaseResource]] = Factory(dict)
    by_label: dict[str, dict[LeaseResource, set[LeaseResource]]] = Factory(dict)

    def of(self, namespace: str, resource: LeaseResource) -> set[LeaseResource]:
        """What a blob refers to by the labels that a namespace has given it."""
        return self.by_label.get(namespace, {}).get(resource, set())


def load(connection: sqlite3.Connection, now: int) -> References:
    """What images refer to, leases (that have not expired at ``now``) hold, and labels of blobs say.

    Containers are not asked: a container's file system is an active snapshot, and those are roots themselves.
    """
    found = References()
    for namespace, resources in _of_images(connection):
        found.roots.setdefault(namespace, set()).update(resources)
    for namespace, resource in leases.all_resources(connection, now):
        found.roots.setdefault(namespace, set()).add(resource)
    for namespace, blob, labels in _labelled(connection):
        if _ROOT in labels:
            found.roots.setdefault(namespace, set()).add(blob)
        found.by_label.setdefault(namespace, {})[blob] = set(_referred(labels))
    return found


def _of_images(connection: sqlite3.Connection) -> Iterator[tuple[str, tuple[LeaseResource, ...]]]:
    for namespace, layers in connection.execute("SELECT namespace, layers FROM images"):
        yield namespace, _of_image(layers)


@lru_cache(maxsize=4096)
def _of_image(layers: str) -> tuple[LeaseResource, ...]:
    """An image's blobs, and the snapshots of its layers: of every image at each collection, and always the same."""
    found = json.loads(layers)
    chains = chain_ids(tuple(layer["diff_id"] for layer in found))
    return (*(LeaseResource.content(layer["digest"]) for layer in found), *map(LeaseResource.snapshot, chains))


def _labelled(connection: sqlite3.Connection) -> Iterator[tuple[str, LeaseResource, dict[str, str]]]:
    query = "SELECT namespace, digest, labels FROM content_labels WHERE instr(labels, 'containerd.io/gc.')"
    for namespace, digest, labels in connection.execute(query):
        yield namespace, LeaseResource.content(digest), json.loads(labels)


def _referred(labels: dict[str, str]) -> Iterator[LeaseResource]:
    for label, value in labels.items():
        for words, kind in _REFERENCES.items():
            if label == words or label.startswith((f"{words}.", f"{words}/")):
                yield kind(value)
