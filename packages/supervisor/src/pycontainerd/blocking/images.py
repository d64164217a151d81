"""The images of a supervisor."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from pycontainerd.blocking.loop import LoopThread, arriving
from pycontainerd.images import images as asynchronous
from pycontainerd.images.export import Form
from pycontainerd.images.image import Image, Layer, Removed
from pycontainerd.images.progress import Report, silent
from pycontainerd.registry.credentials import Credentials

Source = Path | Iterable[bytes]
"""An archive: a file (for an OCI layout also its directory), or its bytes, in pieces."""


class Images:
    """Get it from ``Supervisor.images``; see `pycontainerd.Images`."""

    def __init__(self, loop: LoopThread, images: asynchronous.Images) -> None:
        self._loop, self._images = loop, images

    def list(self) -> builtins.list[Image]:
        """All images, the built-in ``host`` first."""
        return self._loop.do(self._images.list)

    def get(self, reference: str) -> Image:
        """By name, name and digest, id, or a unique prefix of the id. Raises ImageNotFound, AmbiguousReference."""
        return self._loop.do(lambda: self._images.get(reference))

    def import_archive(self, source: Source, *, platform: str | None = None) -> builtins.list[Image]:
        """Load the images of an OCI layout or a ``docker save`` archive; of several platforms, the one that suits best."""
        return self._loop.call(self._images.import_archive(_source(source), platform=platform))

    def add_layer(
        self,
        base: Image,
        source: IO[bytes],
        config: Mapping[str, object],
        reference: str | None = None,
        *,
        step: Mapping[str, object],
    ) -> Image:
        """Make an image of the layers of another one and one more, a plain tar."""
        return self._loop.call(self._images.add_layer(base, source, config, reference, step=step))

    def assemble(self, layers: Sequence[Layer], document: Mapping[str, object], reference: str | None = None) -> Image:
        """Make an image of layers whose blobs are in the store."""
        return self._loop.call(self._images.assemble(layers, document, reference))

    def import_rootfs(
        self, source: Source, reference: str | None = None, *, changes: Sequence[str] = (), message: str = ""
    ) -> Image:
        """Make an image of one layer from the tar of a root file system."""
        return self._loop.call(self._images.import_rootfs(_source(source), reference, changes=changes, message=message))

    def pull(
        self,
        reference: str,
        *,
        auth: Credentials | None = None,
        platform: str | None = None,
        progress: Report = silent,
    ) -> Image:
        """Bring an image in from its registry. ``progress`` is called on the supervisor's own thread. Raises what `pycontainerd.Images.pull` raises."""
        return self._loop.call(self._images.pull(reference, auth=auth, platform=platform, progress=progress))

    def push(self, reference: str, *, auth: Credentials | None = None, progress: Report = silent) -> str:
        """Bring an image into its registry; the digest of its manifest. Raises what `pycontainerd.Images.push` raises."""
        return self._loop.call(self._images.push(reference, auth=auth, progress=progress))

    def tag(self, source: str, target: str) -> None:
        """Give the image ``source`` the name ``target``."""
        self._loop.call(self._images.tag(source, target))

    def remove(self, reference: str, *, force: bool = False) -> builtins.list[Removed]:
        """A name is taken away; with the last one, or by id, the image goes too."""
        return self._loop.call(self._images.remove(reference, force=force))

    def export(self, references: Sequence[str], *, form: Form = "docker") -> Iterator[bytes]:
        """The bytes of an archive: ``docker`` (which is an OCI layout too), ``oci`` or ``legacy``."""
        return self._loop.iterate(self._images.export(references, form=form))


def _source(source: Source) -> asynchronous.Source:
    return source if isinstance(source, Path) else arriving(source)
