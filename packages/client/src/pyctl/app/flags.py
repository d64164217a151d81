"""Flags as attrs classes: a command takes one as a parameter, typer sees each of its attributes as an option.

    @attrs.frozen(kw_only=True)
    class Listing:
        quiet: Annotated[bool, switch("--quiet", "-q", help="Only display IDs")] = False

    @spread
    def ps(listing: Listing) -> int: ...

So commands share flags (``run`` and ``create`` have ninety of them in common), and what the flags mean is a function of one
value that can be tested without a command line.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

import attrs
import click
import typer

from pyctl.errors import InvalidValue


class RejectedValue(click.BadParameter):
    """A flag's value that its reader did not take; click adds which flag it was."""

    def __init__(self, given: str, error: InvalidValue) -> None:
        super().__init__(str(error))
        self.given = given


def _reader(read: Callable[[str], object]) -> Callable[[object], object]:
    def convert(given: object) -> object:
        if not isinstance(given, str):
            return given  # click converts defaults too
        try:
            return read(given)
        except InvalidValue as error:
            raise RejectedValue(given, error) from error

    return convert


def switch(*names: str, help: str, hidden: bool = False) -> Any:
    """A flag without a value; ``"--name/--no-name"`` gives one that is on by default its opposite."""
    return typer.Option(*names, help=help, hidden=hidden, show_default=False)


def value(*names: str, help: str, metavar: str = "string", read: Callable[[str], object] | None = None) -> Any:
    """A flag with a value, or with many when the attribute is a list; ``read`` raises `InvalidValue`."""
    return typer.Option(*names, help=help, metavar=metavar, parser=read and _reader(read), show_default=False)


def operand(metavar: str) -> Any:
    """A positional argument; what is called a container, an image, a network or a volume is completed by the shell."""
    return typer.Argument(metavar=metavar, show_default=False, autocompletion=_names_for(metavar))


def _names_for(metavar: str) -> Callable[[typer.Context, str], list[str]]:
    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        from pyctl.app.completion import names_for  # for shells alone

        find = names_for(metavar)
        return find(ctx, incomplete) if find else []

    return complete


def spread(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Replace each parameter that is an attrs class by that class's attributes, as typer is to see them."""
    parameters = inspect.signature(function, eval_str=True).parameters
    classes = {name: given.annotation for name, given in parameters.items() if attrs.has(given.annotation)}

    @functools.wraps(function)
    def command(**arguments: Any) -> int | None:
        for name, cls in classes.items():
            arguments[name] = cls(**{field.name: arguments.pop(field.name) for field in attrs.fields(cls)})
        return function(**arguments)

    options = [option for cls in classes.values() for option in _options(cls)]
    kept = [given.replace(kind=inspect.Parameter.KEYWORD_ONLY) for n, given in parameters.items() if n not in classes]
    command.__signature__ = inspect.Signature([*kept, *options])  # type: ignore[attr-defined]  # what inspect reads first
    command.__annotations__ = {option.name: option.annotation for option in [*kept, *options]}
    return command


def _options(cls: type[Any]) -> list[inspect.Parameter]:
    types = get_type_hints(cls, include_extras=True)  # attrs keeps annotations as texts where the module does
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=[] if isinstance(field.default, attrs.Factory) else field.default,  # type: ignore[arg-type]
            annotation=types[field.name],
        )
        for field in attrs.fields(cls)
    ]


Names = Annotated[list[str], operand("CONTAINER [CONTAINER...]")]
"""One operand or more, all of them containers."""
Name = Annotated[str, operand("CONTAINER")]
"""One container."""
