"""Waiting until a container is ready, or will never be."""

from __future__ import annotations

import asyncio
from typing import Any

from pycontainerd.errors import NotReady, Unsupported
from pycontainerd.tasks.container import Container
from pycontainerd.testing.conditions import Condition

_TAIL = 20
"""Lines of the log that a failure shows."""


async def until_ready(container: Container, *conditions: Condition, timeout: float = 60.0) -> None:  # noqa: ASYNC109 - the error says more
    """Return once all ``conditions`` hold. Raises NotReady after ``timeout`` seconds, or as soon as the container has ended."""
    reasons: dict[int, str] = {}
    whole = asyncio.gather(*(_hold(container, each, reasons, number) for number, each in enumerate(conditions)))
    ended = container.waiter()
    try:
        both: set[asyncio.Future[Any]] = {whole, ended}
        await asyncio.wait(both, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if not whole.done():
            why = f"ended with {ended.result().code}" if ended.done() else f"not ready within {timeout:g} seconds"
            raise NotReady(await _told(container, why, [reasons[number] for number in sorted(reasons)]))
        await whole
    finally:
        ended.cancel()
        whole.cancel()
        await asyncio.gather(whole, return_exceptions=True)


async def _hold(container: Container, condition: Condition, reasons: dict[int, str], number: int) -> None:
    """Each condition's last reason is kept until it holds."""
    await condition.wait(container, lambda why: reasons.update({number: why}))
    reasons.pop(number, None)


async def _told(container: Container, why: str, reasons: list[str]) -> str:
    lines = [f"container {container.name or container.id[:12]}: {why}", *(f"  {reason}" for reason in reasons)]
    try:
        said = [record.data.decode(errors="replace") async for record in container.logs(tail=_TAIL)]
    except Unsupported:  # its log driver keeps nothing
        said = []
    return "\n".join([*lines, "  its last words:", *(f"    {line.rstrip()}" for line in said)] if said else lines)
