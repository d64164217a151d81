"""Making the containers of a test, and removing them after it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pycontainerd.blocking.container import Container
from pycontainerd.blocking.supervisor import Supervisor
from pycontainerd.containers.config import ContainerConfig
from pycontainerd.errors import ContainerNotFound, ImageError, ImageNotFound, RemovalInProgress
from pycontainerd.images.archive import members_of
from pycontainerd.testing.conditions import Condition
from pycontainerd.testing.guest import Guest


class Guests:
    """A context manager, called for each container; leaving it removes them all.

    ::

        with Guests(supervisor) as container:
            web = container("host", "python3", "-m", "http.server", "8000", ready=Http(8000))
            assert web.run("true").code == 0

    Containers have a network of their own with nothing but a loopback in it, unless ``network`` says otherwise: `Guest.connect` and `Guest.port` reach
    what listens there.
    """

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._stack = contextlib.ExitStack()
        self._guests: list[Guest] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def __iter__(self) -> Iterator[Guest]:
        return iter(self._guests)

    def __call__(
        self,
        image: str | PathLike[str] | ContainerConfig,
        *args: str,
        ready: Condition | Iterable[Condition] = (),
        timeout: float = 60.0,
        name: str | None = None,
        start: bool = True,
        **config: Any,
    ) -> Guest:
        """A container of ``image``, started, and ready.

        ``image`` is the name of an image of the supervisor (``host`` is always there), which is pulled from its registry if it is not there; or a
        path with a slash in it: an image's archive, an OCI layout, or a tar of a root file system, which is imported when it is first used; or a
        whole ContainerConfig. ``args`` are its command, and ``config`` further fields of ContainerConfig. ``ready`` is one condition or several.

        Raises NotReady; what ``pull``, ``create`` and ``start`` raise.
        """
        if not isinstance(image, ContainerConfig):
            image = ContainerConfig(image=self._image(image), args=args or None, **config)
        guest = self.adopt(self._supervisor.containers.create(image, name=name))
        if start:
            guest.start()
            guest.until_ready(*_several(ready), timeout=timeout)
        return guest

    def fork(
        self,
        container: Container,
        *,
        ready: Condition | Iterable[Condition] = (),
        timeout: float = 60.0,
        **options: Any,
    ) -> Guest:
        """A fork of a container of anybody's, ready and of this factory: with the ``container`` of a test it goes with the test.

        ``options`` are those of `pycontainerd.Container.fork`.
        """
        guest = self.adopt(Container.fork(container, **options))
        guest.until_ready(*_several(ready), timeout=timeout)
        return guest

    def adopt(self, container: Container) -> Guest:
        """Remove ``container`` at the end, too."""
        until_then = self._stack.enter_context(contextlib.ExitStack())
        until_then.callback(_remove, container)
        guest = Guest(container._loop, container._container, until_then=until_then, adopt=self.adopt)
        self._guests.append(guest)
        return guest

    def _image(self, image: str | PathLike[str]) -> str:
        """The name of an image that is there when this returns."""
        text = str(image)
        if not isinstance(image, str) or ("/" in text and Path(text).exists()):
            return imported(self._supervisor, Path(text))
        try:
            self._supervisor.images.get(text)
        except ImageNotFound:
            self._supervisor.images.pull(text)
        return text


def _several(ready: Condition | Iterable[Condition]) -> Iterable[Condition]:
    return ready if isinstance(ready, Iterable) else (ready,)


def imported(supervisor: Supervisor, path: Path) -> str:
    """The id of the image in the archive, OCI layout or root file system ``path``, imported unless it has been."""
    status = path.stat()
    known = f"pycontainerd-testing/{status.st_dev:x}-{status.st_ino:x}-{status.st_mtime_ns:x}"
    if not any(
        reference.startswith(f"{known}:") for image in supervisor.images.list() for reference in image.references
    ):
        if path.is_dir() or _is_image(supervisor, path):
            (image,) = supervisor.images.import_archive(path)
            supervisor.images.tag(image.id, known)
        else:
            supervisor.images.import_rootfs(path, known)
    return known


def _is_image(supervisor: Supervisor, path: Path) -> bool:
    try:
        with members_of(path, supervisor.content.spool) as members:
            return members.has("manifest.json") or members.has("index.json")
    except ImageError:  # what is wrong with it, if anything, is found when it is imported
        return False


def _remove(container: Container) -> None:
    with contextlib.suppress(ContainerNotFound, RemovalInProgress):
        container.remove(force=True)
