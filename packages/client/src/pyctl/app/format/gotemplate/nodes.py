"""What a template is made of, after parsing."""

from __future__ import annotations

import attrs


@attrs.frozen
class Literal:
    """A string, number, boolean or nil."""

    value: str | int | float | bool | None


@attrs.frozen
class Dot:
    """``.``"""


@attrs.frozen
class Variable:
    """``$name``; ``$`` alone is what the template was given."""

    name: str
    at: int


@attrs.frozen
class Field:
    """``.A.B``, of the dot or of another value."""

    base: Operand
    names: tuple[str, ...]
    at: int

    def __str__(self) -> str:
        head = self.base.name if isinstance(self.base, Variable) else ""
        return head + "".join(f".{name}" for name in self.names)


@attrs.frozen
class Call:
    """A function's name where a value is expected."""

    function: str
    at: int


@attrs.frozen
class Command:
    """A value, or a function or method with its arguments."""

    operands: tuple[Operand, ...]
    at: int
    text: str


@attrs.frozen
class Pipeline:
    """Commands; each gets the value of the one before as its last argument. ``variables`` are set to the result."""

    commands: tuple[Command, ...]
    variables: tuple[str, ...]
    declares: bool
    at: int


Operand = Literal | Dot | Variable | Field | Call | Pipeline


@attrs.frozen
class Output:
    """Text as it stands."""

    text: str


@attrs.frozen
class Print:
    """An action whose value is printed (unless it sets a variable)."""

    pipeline: Pipeline


@attrs.frozen
class Branch:
    """``if``, ``with`` or ``range``."""

    kind: str
    pipeline: Pipeline
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]


@attrs.frozen
class Jump:
    """``break`` or ``continue``."""

    kind: str


Node = Output | Print | Branch | Jump
