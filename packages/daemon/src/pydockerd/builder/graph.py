"""Stages to a graph: who needs whom, what the target needs, and in which order it can be done. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from attrs import field, frozen

from pydockerd.builder.dockerfile.instructions import Copy, Dockerfile, Instruction, Run, Stage
from pydockerd.builder.dockerfile.source import Text
from pydockerd.builder.dockerfile.words import expand
from pydockerd.errors import BadRequest

SCRATCH: Final = "scratch"
_NUMBER = re.compile(r"[0-9]{1,6}")


@frozen(kw_only=True)
class Node:
    """One stage. ``base`` is the number of a stage or the name of an image, None for ``scratch``; ``needs`` are the stages that it takes something from."""

    stage: Stage
    base: int | str | None
    platform: str
    needs: frozenset[int]


@frozen(kw_only=True)
class Graph:
    """Of one build: ``order`` are the stages that the target needs, each after those that it needs."""

    nodes: tuple[Node, ...]
    target: int
    order: tuple[int, ...] = field(default=())

    def steps(self) -> Mapping[int, int]:
        """How many instructions each of the needed stages has, its FROM among them."""
        return {number: 1 + len(self.nodes[number].stage.instructions) for number in self.order}


def plan(dockerfile: Dockerfile, target: str, outside: Mapping[str, str]) -> Graph:
    """``target``: a name or a number, empty for the last stage. DockerfileError; BadRequest for a target that there is not."""
    nodes = tuple(_node(dockerfile, stage, outside) for stage in dockerfile.stages)
    wanted = _target(dockerfile, target)
    return Graph(nodes=nodes, target=wanted, order=_order(dockerfile, nodes, wanted))


def stage_of(dockerfile: Dockerfile, reference: str, before: int) -> int | None:
    """The stage that a ``--from`` or a FROM means: by name, or by number one that stands before. None: it is an image."""
    for stage in dockerfile.stages:
        if stage.start.name and stage.start.name == reference.lower():
            return stage.number
    if _NUMBER.fullmatch(reference) and int(reference) < before:
        return int(reference)
    return None


def references(instruction: Instruction) -> tuple[Text, ...]:
    """What else an instruction takes files from."""
    if isinstance(instruction, Copy):
        return (instruction.from_,) if instruction.from_ is not None else ()
    if isinstance(instruction, Run):
        return tuple(value for mount in instruction.mounts for name, value in mount.options if name == "from")
    return ()


def _node(dockerfile: Dockerfile, stage: Stage, outside: Mapping[str, str]) -> Node:
    source, start = dockerfile.source, stage.start
    base = expand(start.base, outside, source, dockerfile.escape)
    if not base:
        raise source.error(start.base, f"base name ({start.base}) should not be blank")
    platform = expand(start.platform, outside, source, dockerfile.escape) if start.platform is not None else ""
    earlier = next((each.number for each in dockerfile.stages[: stage.number] if each.start.name == base.lower()), None)
    needs = {earlier} if earlier is not None else set[int]()
    for instruction in stage.instructions:
        for reference in references(instruction):
            found = stage_of(dockerfile, reference.text, stage.number)
            if found == stage.number:
                raise source.error(reference, f"circular dependency detected on stage: {stage.label}")
            if found is not None:
                needs.add(found)
    found_base = earlier if earlier is not None else None if base == SCRATCH else base
    return Node(stage=stage, base=found_base, platform=platform, needs=frozenset(needs))


def _target(dockerfile: Dockerfile, target: str) -> int:
    if not target:
        return len(dockerfile.stages) - 1
    found = stage_of(dockerfile, target, len(dockerfile.stages))
    if found is None:
        known = ", ".join(stage.label for stage in dockerfile.stages)
        raise BadRequest(f"target stage {target!r} could not be found: there are {known}")
    return found


def _order(dockerfile: Dockerfile, nodes: tuple[Node, ...], target: int) -> tuple[int, ...]:
    """Depth first, without recursion, since a file may have thousands of stages."""
    order, done, open_ = list[int](), set[int](), set[int]()
    todo: list[tuple[int, bool]] = [(target, False)]
    while todo:
        number, left = todo.pop()
        if left:
            open_.discard(number)
            done.add(number)
            order.append(number)
            continue
        if number in done:
            continue
        if number in open_:
            stage = nodes[number].stage
            raise dockerfile.source.error(stage.start.base, f"circular dependency detected on stage: {stage.label}")
        open_.add(number)
        todo.append((number, True))
        for needed in sorted(nodes[number].needs, reverse=True):
            if needed in open_:
                label = nodes[needed].stage.label
                raise dockerfile.source.error(
                    nodes[needed].stage.start.base, f"circular dependency detected on stage: {label}"
                )
            todo.append((needed, False))
    return tuple(order)
