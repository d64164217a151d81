"""Running something in a container, for tests that want to know what it saw."""

from __future__ import annotations

from typing import Any

from pycontainerd import Container, ContainerConfig, Supervisor


async def create(supervisor: Supervisor, script: str, *, image: str = "busybox", **config: Any) -> Container:
    """A container that runs ``script`` in a shell; ``name`` is its name, the rest of ``config`` fields of ContainerConfig."""
    name = config.pop("name", None)
    return await supervisor.containers.create(
        ContainerConfig(image=image, args=("/bin/sh", "-c", script), **config), name=name
    )


async def start(supervisor: Supervisor, script: str, **config: Any) -> Container:
    """The same, started."""
    container = await create(supervisor, script, **config)
    await container.start()
    return container


async def said(container: Container) -> bytes:
    """All that its log has."""
    return b"".join([record.data async for record in container.logs()])


async def output(supervisor: Supervisor, script: str, **config: Any) -> str:
    """Run ``script`` to its end, remove the container, and return what it has said."""
    container = await start(supervisor, script, **config)
    status = await container.wait()
    text = (await said(container)).decode()
    await container.remove()
    assert status.code == 0, text
    return text
