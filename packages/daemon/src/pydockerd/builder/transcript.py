"""What a build says, in docker's words and in the order of the Dockerfile, although stages are built side by side.

The first stage that is not done speaks; what others say meanwhile is told when their turn comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from attrs import define, field

from pydockerd.models.image import Progress


@define
class Transcript:
    """Belongs to one build. ``messages`` is what is read from; ``None`` in it is the end. ``quiet``: nothing is said but by ``tell``."""

    order: Sequence[int]
    steps: Mapping[int, int]
    quiet: bool = False
    messages: asyncio.Queue[Progress | None] = field(factory=lambda: asyncio.Queue(256))
    _turn: int = 0
    _waiting: dict[int, list[Progress]] = field(factory=dict)
    _ended: set[int] = field(factory=set)

    def voice(self, stage: int) -> Voice:
        """Of one stage."""
        before = sum(self.steps[number] for number in self.order[: self.order.index(stage)])
        return Voice(self, stage, before, sum(self.steps.values()))

    async def tell(self, message: Progress) -> None:
        """Of the build as a whole."""
        await self.messages.put(message)

    async def say(self, stage: int, message: Progress) -> None:
        """By a stage."""
        if self.quiet:
            return
        if self._turn < len(self.order) and self.order[self._turn] == stage:
            await self.messages.put(message)
        else:
            self._waiting.setdefault(stage, []).append(message)

    async def end(self, stage: int) -> None:
        """A stage has no more to say."""
        self._ended.add(stage)
        while self._turn < len(self.order) and self.order[self._turn] in self._ended:
            self._turn += 1
            if self._turn < len(self.order):
                for message in self._waiting.pop(self.order[self._turn], ()):
                    await self.messages.put(message)

    async def flush(self, stage: int) -> None:
        """A stage has failed: what it has said is told, whoever's turn it was."""
        for message in self._waiting.pop(stage, ()):
            await self.messages.put(message)


@define
class Voice:
    """Of one stage; it counts its steps."""

    _transcript: Transcript
    _stage: int
    _number: int
    _total: int

    async def step(self, text: str) -> None:
        """The next instruction begins."""
        self._number += 1
        await self.say(f"Step {self._number}/{self._total} : {text}\n")

    async def say(self, text: str) -> None:
        """One piece of text for the terminal."""
        await self._transcript.say(self._stage, Progress(stream=text))

    async def pass_on(self, message: Progress) -> None:
        """What somebody else has to say, such as a pull."""
        await self._transcript.say(self._stage, message)
