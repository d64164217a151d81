"""A command as click sees it: reads its arguments like docker does, and fails with docker's words and exit codes."""

from __future__ import annotations

from typing import Any

import click
from typer.core import TyperCommand

from pyctl.app.arguments import Flag, normalize
from pyctl.app.flags import RejectedValue
from pyctl.app.suggest import question
from pyctl.errors import InvalidValue, WrongCommandLine

_FLAG_CODE = 125
_OPERANDS_CODE = 1


class DockerCommand(TyperCommand):
    """One command, whose usage line is given in its context settings (``obj`` stays the session's)."""

    usage = ""
    arity = ""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            flags = flags_of(self, ctx)
            return super().parse_args(ctx, normalize(args, flags, interspersed=ctx.allow_interspersed_args))
        except InvalidValue as error:
            raise self._wrong_flag(ctx, str(error)) from error
        except click.UsageError as error:
            raise self._wrong(ctx, error) from error

    def get_usage(self, ctx: click.Context) -> str:
        usage = self.usage.replace("{path}", ctx.command_path)
        return f"Usage:  {ctx.command_path} {usage}".rstrip()

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(self.get_usage(ctx) + "\n")

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_usage(ctx, formatter)
        formatter.write(f"\n{self.short_help}\n\nOptions:\n")
        with formatter.indentation():
            # By name, not in the order of their groups, which means nothing to the reader.
            options = sorted(
                (param for param in self.params if isinstance(param, click.Option)), key=lambda option: option.opts[0]
            )
            records = [option.get_help_record(ctx) for option in options]
            formatter.write_dl([record for record in records if record])

    def _wrong_flag(self, ctx: click.Context, text: str) -> WrongCommandLine:
        return WrongCommandLine(f"{text}\n\n{self.get_usage(ctx)}\n\n{help_line(ctx)}", _FLAG_CODE)

    def _wrong(self, ctx: click.Context, error: click.UsageError) -> WrongCommandLine:
        if isinstance(error, click.NoSuchOption):
            meant = question(error.option_name, (name for name in flags_of(self, ctx) if name.startswith("--")))
            return self._wrong_flag(ctx, unknown_flag(error.option_name) + meant)
        if isinstance(error, click.BadOptionUsage):
            return self._wrong_flag(ctx, f"flag needs an argument: {error.option_name}")
        if isinstance(error, RejectedValue) and error.param:
            names = _names(error.param)
            return self._wrong_flag(ctx, f'invalid argument "{error.given}" for "{names}" flag: {error.message}')
        if (
            isinstance(error, click.BadParameter)
            and error.param
            and isinstance(error.param.type, click.types.IntParamType)
        ):
            return self._wrong_flag(ctx, _no_integer(error))
        if isinstance(error, click.BadParameter) and isinstance(error.param, click.Option):
            return self._wrong_flag(
                ctx, f'invalid argument for "{error.param.opts[-1]}" flag: {error.format_message()}'
            )
        arity = self.arity or _arity(self)
        advice = help_line(ctx)
        if arity.startswith("requires at least") and "at most" not in arity:
            advice = advice.replace("Run", "See", 1)  # docker says it in two ways
        text = f"'{ctx.command_path}' {arity}\n\n{self.get_usage(ctx)}\n\n{advice}"
        return WrongCommandLine(f"{ctx.find_root().command_path}: {text}", _OPERANDS_CODE)


def _names(param: click.Parameter) -> str:
    """Its letter and its name, as pflag calls a flag; other names are left out."""
    letters = [name for name in param.opts if not name.startswith("--")]
    return ", ".join([*letters[:1], *[name for name in param.opts if name not in letters][:1]])


def _no_integer(error: click.BadParameter) -> str:
    """In Go's words; the value is what click's own message has between quotes."""
    assert error.param is not None
    given = error.message.partition("'")[2].rpartition("'")[0]
    reason = f'strconv.ParseInt: parsing "{given}": invalid syntax'
    return f'invalid argument "{given}" for "{_names(error.param)}" flag: {reason}'


def help_line(ctx: click.Context) -> str:
    """Where to read more; the last line of a failure."""
    return f"Run '{ctx.command_path} --help' for more information"


def unknown_flag(name: str) -> str:
    """Word an unknown flag as pflag does."""
    return f"unknown flag: {name}" if name.startswith("--") else f"unknown shorthand flag: '{name[1:]}' in {name}"


def flags_of(command: click.Command, ctx: click.Context) -> dict[str, Flag]:
    """What a command takes, by each name of it."""
    options = [param for param in command.get_params(ctx) if isinstance(param, click.Option)]
    return {name: flag for option in options for name, flag in _spellings(option)}


def _spellings(option: click.Option) -> list[tuple[str, Flag]]:
    off = option.secondary_opts[0] if option.secondary_opts else None
    takes_value = not (option.is_flag or option.count)
    on = [(name, Flag(takes_value, on=name, off=off)) for name in option.opts]
    return on + [(name, Flag(False, on=name, off=option.opts[0])) for name in option.secondary_opts]


def _arity(command: click.Command) -> str:
    operands = [param for param in command.params if isinstance(param, click.Argument)]
    least = sum(1 if param.nargs < 0 else param.nargs for param in operands if param.required)
    if not operands:
        return "accepts no arguments"
    if any(param.nargs < 0 for param in operands):
        return f"requires at least {_arguments(least)}"
    most = sum(param.nargs for param in operands)
    if least == most:
        return f"requires {_arguments(most)}"
    return (
        f"requires at most {_arguments(most)}"
        if not least
        else f"requires at least {least} and at most {most} arguments"
    )


def _arguments(count: int) -> str:
    return f"{count} argument" + ("" if count == 1 else "s")


def build(function: Any, name: str, summary: str, usage: str, *, interspersed: bool, arity: str = "") -> DockerCommand:
    """Make the click command of a function through typer."""
    import typer

    from pyctl.app.flags import spread

    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    settings = {"allow_interspersed_args": interspersed, "help_option_names": ["--help"]}
    app.command(name, cls=DockerCommand, context_settings=settings, short_help=summary, help=summary)(spread(function))
    command = typer.main.get_command(app)
    assert isinstance(command, DockerCommand)
    command.usage, command.arity = usage, arity
    return command
