"""Which images there are, and by which names: held in memory, so that looking up is immediate; the database is the truth."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence

from pycontainerd.errors import AmbiguousReference, ImageNotFound, InvalidReference
from pycontainerd.events import log
from pycontainerd.events.event import Event
from pycontainerd.images import table
from pycontainerd.images.host import host_image
from pycontainerd.images.image import Image
from pycontainerd.images.reference import familiar
from pycontainerd.metadata.database import Database

_HEX = re.compile(r"(?:sha256:)?([0-9a-f]{4,64})")


class Catalogue:
    """The images of one namespace. Looking up from any thread; ``change`` blocks."""

    def __init__(self, database: Database, namespace: str) -> None:
        self._database, self.namespace = database, namespace
        self.told: Callable[[], None] = _to_nobody
        """Called, in any thread, when there may be new events; set by the supervisor."""
        self._changing = threading.Lock()
        self._stored: Mapping[str, Image] = {}
        self.host = host_image()
        """The built-in image, which is not in the database."""
        self._refresh()

    @property
    def stored(self) -> Mapping[str, Image]:
        """All but the built-in one, by id."""
        return self._stored

    def all(self) -> list[Image]:
        """The built-in one first."""
        return [self.host, *self._stored.values()]

    def get(self, reference: str) -> Image:
        """By name (docker's normalisation), by name and digest, by id, or by a unique prefix of the id.

        Raises ImageNotFound, AmbiguousReference.
        """
        named = self.named(reference)
        if named is not None:
            return named
        match = _HEX.fullmatch(reference)
        found = [image for image in self.all() if match and image.id.removeprefix("sha256:").startswith(match[1])]
        if len(found) > 1:
            raise AmbiguousReference(f"image {reference}: the prefix fits {len(found)} images; give more digits")
        if not found:
            raise ImageNotFound(reference)
        return found[0]

    def named(self, reference: str) -> Image | None:
        """The image that has this name, if any has."""
        try:
            name = familiar(reference)
        except InvalidReference:
            return None
        return next((image for image in self.all() if name in image.names), None)

    def change(self, change: Callable[[sqlite3.Connection], None], events: Sequence[Event] = ()) -> None:
        """One transaction on the tables of images, and of what is told of it; afterwards everybody sees what came of it."""

        def told(connection: sqlite3.Connection) -> None:
            change(connection)
            for event in events:
                log.append(connection, event)

        with self._changing:  # or one thread's older view could replace another's newer one
            self._database.write_now(told)
            self._refresh()
        self.told()

    def _refresh(self) -> None:
        self._stored = self._database.read_now(lambda connection: table.load(connection, self.namespace))


def _to_nobody() -> None:
    """Nobody is listening yet."""
