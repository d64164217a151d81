"""What a new container mounts: from what was asked for to volumes that are there, directories of the host, and an annotation that says so for good."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from attrs import define, evolve, field

from pycontainerd import Container
from pycontainerd.containers.config import ContainerConfig
from pycontainerd.errors import ContainerNotFound, ImageNotFound
from pycontainerd.images.config import ImageConfig
from pycontainerd.images.image import Image
from pydockerd.engine import Engine
from pydockerd.errors import ApiError, BadRequest, InternalError, NotFound
from pydockerd.models.create import CreateRequest
from pydockerd.translate.mounts import Wanted, anonymous, borrowed, volumes_from, wanted_mounts
from pydockerd.volumes.copyup import NotADirectory
from pydockerd.volumes.point import Point, annotation, points_of, supervisor_mount
from pydockerd.volumes.volume import LOCAL, State, Volume


@define
class Mounting:
    """The mounts of one container that is being made: ``made`` are its own anonymous volumes, ``fills`` those that the image may have something for, and ``images``
    are other images, each by the number of its mount."""

    engine: Engine
    id: str
    points: list[Point] = field(factory=list)
    made: list[Volume] = field(factory=list)
    fills: list[tuple[Volume, str]] = field(factory=list)
    images: list[tuple[int, Image]] = field(factory=list)

    def config(self, config: ContainerConfig) -> ContainerConfig:
        """The container's, with its mounts."""
        mapped = config.userns == "private"
        mounts = tuple(
            supervisor_mount(point, self._source(number, point), mapped=mapped)
            for number, point in enumerate(self.points)
        )
        annotations = {**config.annotations, **annotation(self.points)}
        return evolve(config, mounts=(*mounts, *config.mounts), annotations=annotations)

    async def fill(self, container: Container) -> None:
        """Copy what the image has into volumes that are empty. Raises InternalError."""
        if not self.fills:
            return
        async with container.rootfs() as root:
            for volume, target in self.fills:
                try:
                    await self.engine.volume_mounts.fill(volume, root, target)
                except NotADirectory:
                    raise InternalError(f"cannot mount volume over existing file, file exists {target}") from None

    async def keep(self, config: ContainerConfig) -> None:
        """The container is there."""
        state = State.LEAVING if config.remove_on_exit else State.READY
        await self.engine.volumes.settle([volume.name for volume in self.made], self.id, state)

    async def drop(self) -> None:
        """It will not be there: nobody has these volumes, and those that were made for it alone go again."""
        await self.engine.volume_mounts.unreserve(self.id, self.points)
        self.engine.volumes.forget(self.id, {point.name for point in self.points if point.type == "volume"})
        for volume in self.made:
            with contextlib.suppress(ApiError):
                await self.engine.volumes.remove(volume.name)
                await told(self.engine, "destroy", volume)

    def _source(self, number: int, point: Point) -> str:
        return str(self.engine.volume_mounts.place(self.id, number)) if point.placed else point.source


@contextlib.asynccontextmanager
async def mounting(engine: Engine, id: str, request: CreateRequest, image: ImageConfig) -> AsyncIterator[Mounting]:
    """Around the making of a container. What was made for it is undone when that fails.

    Raises BadRequest, also for a container that is not there to take volumes from; NotFound.
    """
    wanted = wanted_mounts(request)
    taken = _borrowed(engine, request.host.volumes_from or (), {each.point.target for each in wanted})
    targets = [each.point.target for each in wanted] + [point.target for point in taken]
    own = (*image.volumes, *(request.config.volumes or ()))
    made = Mounting(engine, id)
    try:
        for each in (*wanted, *anonymous(own, targets, request.host.volume_driver)):
            await _add(made, each)
        engine.volumes.refer(id, {point.name for point in taken if point.type == "volume"})
        for point in taken:
            if point.type == "image":
                made.images.append((len(made.points), _image(engine, point.source)))
            made.points.append(point)
        await engine.volume_mounts.reserve(id, made.points)
        for number, shown in made.images:
            await _view(made, number, shown)
        yield made
    except BaseException:
        await made.drop()
        raise


async def told(engine: Engine, action: str, volume: Volume) -> None:
    """An event of the volume itself."""
    await engine.supervisor.events.publish("volume", action, volume.name, {"driver": LOCAL})


async def _add(made: Mounting, wanted: Wanted) -> None:
    point = wanted.point
    if point.type == "image":
        shown = _image(made.engine, point.name)
        made.images.append((len(made.points), shown))
        made.points.append(evolve(point, source=shown.id))
        return
    if point.type != "volume":
        made.points.append(point)
        return
    volume, fresh = await made.engine.volumes.create(
        point.name, wanted.driver, wanted.options, wanted.labels, made_for=made.id if point.anonymous else ""
    )
    if point.anonymous:
        made.made.append(volume)
    made.engine.volumes.refer(made.id, [volume.name])
    made.points.append(evolve(point, name=volume.name, source=str(volume.path), driver=LOCAL))
    if wanted.copy:
        made.fills.append((volume, point.target))
    if fresh:
        await told(made.engine, "create", volume)


def _image(engine: Engine, reference: str) -> Image:
    """Not the one that the container is made of, so it is told by its own name."""
    try:
        return engine.supervisor.images.get(reference)
    except ImageNotFound as error:
        raise NotFound(str(error)) from None


async def _view(made: Mounting, number: int, image: Image) -> None:
    async with made.engine.supervisor.images.snapshot_for(image) as parent:
        if parent is None:
            raise BadRequest(f"cannot mount image {image.id}: it has no files")
        await asyncio.to_thread(made.engine.volume_mounts.views.make, made.id, number, parent)


def _borrowed(engine: Engine, words: Sequence[str], taken: set[str]) -> list[Point]:
    """The mounts of other containers; of two at one place the later one counts."""
    found: dict[str, Point] = {}
    for word in words:
        reference, mode = volumes_from(word)
        try:
            other = engine.supervisor.containers.get(reference)
        except ContainerNotFound:
            raise BadRequest(f"No such container: {reference}") from None
        for point in points_of(other.config):
            if point.target not in taken and not point.hidden:
                found[point.target] = borrowed(point, mode)
    return list(found.values())
