"""A build from its context to its image: stages side by side, each as soon as what it needs is there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from attrs import evolve

from pycontainerd import Image
from pycontainerd.images.importing import image_name
from pydockerd.builder.arguments import Scope, unused
from pydockerd.builder.build import Build
from pydockerd.builder.stage import StageBuild
from pydockerd.builder.state import State
from pydockerd.builder.transcript import Transcript
from pydockerd.models.image import Built, Progress


async def solve(build: Build, transcript: Transcript) -> Image:
    """Do what the target needs, and put the image into the store under its names."""
    try:
        async with asyncio.TaskGroup() as group:
            for number in build.graph.order:
                group.create_task(_stage(build, transcript, number))
    except BaseExceptionGroup as failures:
        raise _first(failures) from None
    state = await build.done(build.graph.target)
    image = await _finished(build, state)
    await _told(build, transcript, image)
    return image


async def _stage(build: Build, transcript: Transcript, number: int) -> None:
    node = build.graph.nodes[number]
    voice = transcript.voice(number)
    scope = Scope(build.options.arguments, build.outside)
    stage = StageBuild(build, node, voice, scope, build.dockerfile.source)
    try:
        state = await stage.run()
        if number == build.graph.target and build.options.labels:
            labels = sorted(build.options.labels.items())
            await voice.step(" ".join(["LABEL", *(f"{name}={value}" for name, value in labels)]))
            await stage.labelled(labels)
            state = stage.state
            await voice.say(f" ---> {state.short_id}\n")
    except BaseException:
        await transcript.flush(number)
        raise
    build.expect(number).set_result(state)
    await transcript.end(number)


async def _finished(build: Build, state: State) -> Image:
    tags = build.options.tags
    if state.base:
        image = build.workshop.supervisor.images.get(state.base)
        for tag in tags:
            await build.workshop.supervisor.images.tag(image.id, tag)
        return image
    if not state.created:
        state = evolve(state, created="1970-01-01T00:00:00Z")
    return await build.workshop.image(state.layers, state.document(), tags)


async def _told(build: Build, transcript: Transcript, image: Image) -> None:
    if transcript.quiet:
        await transcript.tell(Progress(stream=f"{image.id}\n"))
        return
    await transcript.tell(Progress(aux=Built(id=image.id)))
    for name in [unused(build.dockerfile, build.options.arguments)]:
        if name:
            await transcript.tell(
                Progress(stream=f"[Warning] One or more build-args [{' '.join(name)}] were not consumed\n")
            )
    await transcript.tell(Progress(stream=f"Successfully built {image.id[7:19]}\n"))
    for tag in build.options.tags:
        await transcript.tell(Progress(stream=f"Successfully tagged {image_name(tag)}\n"))


def _first(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one that the others, which were cancelled, are due to."""
    found: Sequence[BaseException] = failures.exceptions
    while isinstance(found[0], BaseExceptionGroup):
        found = found[0].exceptions
    return found[0]
