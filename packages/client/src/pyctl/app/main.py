"""The root of the command line: global flags, finding a command, and what a failure prints and exits with."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import click

from pyctl.app.arguments import normalize
from pyctl.app.command import build, flags_of, help_line, unknown_flag
from pyctl.app.registry import COMMANDS, GROUPS, SPELLED_OUT, Entry
from pyctl.app.session import Session
from pyctl.app.suggest import existing, question
from pyctl.errors import CommandFailed, InvalidValue, NotFound, PyctlError, WrongCommandLine
from pyctl.targets import Wish
from pyctl.version import __version__

os.environ["TYPER_USE_RICH"] = "0"  # rich would cost as much as everything else, and docker's output is plain

import typer
from typer.core import TyperGroup

_FLAG_CODE = 125


class _OutputGone(Exception):  # noqa: N818 - no error: whoever read our output has enough of it
    """Standard output is closed at its other end."""


class LazyGroup(TyperGroup):
    """A group that imports a command's module when the command is called."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entries: dict[str, Entry] = {}
        self.groups: dict[str, tuple[str, dict[str, Entry]]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*self.entries, *self.groups})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.entries:
            return _load(cmd_name, self.entries[cmd_name])
        if cmd_name in self.groups:
            summary, entries = self.groups[cmd_name]
            return _group(cmd_name, summary, entries)
        return None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            # click would exit with 1 here, where a program that knows nothing of SIGPIPE ends by it.
            raise _OutputGone from error

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, normalize(args, flags_of(self, ctx), interspersed=False))
        except InvalidValue as error:
            raise self._wrong(ctx, str(error)) from error
        except click.NoSuchOption as error:
            raise self._wrong(ctx, unknown_flag(error.option_name)) from error
        except click.BadOptionUsage as error:
            raise self._wrong(ctx, f"flag needs an argument: {error.option_name}") from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        command = self.get_command(ctx, args[0])
        if command is None:
            root = ctx.find_root().command_path
            following = " COMMAND" if self.name in SPELLED_OUT else ""
            usage = "" if ctx.parent is None else f"Usage:  {ctx.command_path}{following}\n\n"
            meant = question(args[0], self.list_commands(ctx), f"{ctx.command_path} ")
            message = f"{root}: unknown command: {ctx.command_path} {args[0]}{meant}\n\n{usage}{help_line(ctx)}"
            raise WrongCommandLine(message, 1)
        return args[0], command, args[1:]

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(f"Usage:  {ctx.command_path} [OPTIONS] COMMAND\n\n{self.help}\n")
        _section(formatter, "Management Commands", [(name, summary) for name, (summary, _) in self.groups.items()])
        _section(
            formatter,
            "Commands",
            [(name, entry.summary) for name, entry in sorted(self.entries.items()) if not entry.hidden],
        )
        options = [param.get_help_record(ctx) for param in self.get_params(ctx)]
        _section(formatter, "Options", [record for record in options if record])
        formatter.write(f"\nRun '{ctx.command_path} COMMAND --help' for more information on a command.\n")

    def _wrong(self, ctx: click.Context, text: str) -> WrongCommandLine:
        usage = f"Usage:  {ctx.command_path} [OPTIONS] COMMAND [ARG...]"
        return WrongCommandLine(f"{text}\n\n{usage}\n\n{help_line(ctx)}", _FLAG_CODE)


def _section(formatter: click.HelpFormatter, title: str, rows: Sequence[tuple[str, str]]) -> None:
    if rows:
        formatter.write(f"\n{title}:\n")
        with formatter.indentation():
            formatter.write_dl(rows)


def _load(name: str, entry: Entry) -> click.Command:
    module, _, function = entry.home.partition(":")
    found = getattr(importlib.import_module(f"pyctl.app.commands.{module}"), function)
    return build(found, name, entry.summary, entry.usage, interspersed=entry.interspersed, arity=entry.arity)


def _group(name: str, summary: str, entries: dict[str, Entry], **callback: Any) -> LazyGroup:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.callback(cls=LazyGroup, help=summary, invoke_without_command=True)(callback.get("callback", _show_help))
    group = typer.main.get_command(app)
    assert isinstance(group, LazyGroup)
    group.name, group.entries = name, entries
    return group


def _show_help(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())


def _value(*names: str, help: str) -> Any:
    return typer.Option(*names, metavar="string", help=help, show_default=False)


def _switch(*names: str, help: str) -> Any:
    return typer.Option(*names, help=help, show_default=False)


def _global_flags(
    ctx: typer.Context,
    config: Annotated[str | None, _value("--config", help="Location of client config files")] = None,
    context: Annotated[
        str | None,
        _value(
            "--context",
            "-c",
            help=(
                "Name of the context to use to connect to the daemon (overrides DOCKER_HOST env var and default context "
                'set with "pyctl context use")'
            ),
        ),
    ] = None,
    debug: Annotated[bool, _switch("--debug", "-D", help="Show the requests to the daemon")] = False,
    host: Annotated[str | None, _value("--host", "-H", help="Daemon socket to connect to")] = None,
    log_level: Annotated[
        str | None, _value("--log-level", "-l", help='"debug" is as --debug; others are accepted as docker does')
    ] = None,
    tls: Annotated[bool | None, _switch("--tls/--no-tls", help="Use TLS; implied by --tlsverify")] = None,
    tlscacert: Annotated[str | None, _value("--tlscacert", help="Trust certs signed only by this CA")] = None,
    tlscert: Annotated[str | None, _value("--tlscert", help="Path to TLS certificate file")] = None,
    tlskey: Annotated[str | None, _value("--tlskey", help="Path to TLS key file")] = None,
    tlsverify: Annotated[
        bool | None, _switch("--tlsverify/--no-tlsverify", help="Use TLS and verify the remote")
    ] = None,
    version: Annotated[bool, _switch("--version", "-v", help="Print version information and quit")] = False,
) -> None:
    if version:
        print(f"pyctl version {__version__}")
        ctx.exit()
    _show_help(ctx)
    ctx.obj.wish = Wish(
        host=host,
        context=context,
        config=config,
        tls=tls,
        tls_verify=tlsverify,
        tls_ca=tlscacert,
        tls_certificate=tlscert,
        tls_key=tlskey,
    )
    ctx.obj.debug = debug or log_level == "debug"
    ctx.call_on_close(ctx.obj.close)


def root() -> LazyGroup:
    """The whole command line as a click command."""
    summary = "A self-sufficient runtime for containers"
    group = _group("pyctl", summary, COMMANDS, callback=_global_flags)
    group.groups = GROUPS
    return group


def run(arguments: Sequence[str] | None, session: Session) -> int:
    """Run one command (None: of this process's command line); returns its exit code."""
    if os.environ.get("_PYCTL_COMPLETE"):
        from pyctl.app.completion import answer

        answer(root(), session)
        return 0
    try:
        outcome = root().main(arguments, prog_name="pyctl", standalone_mode=False, obj=session)
        sys.stdout.flush()
    except (WrongCommandLine, CommandFailed) as error:
        return _fail(error, error.code)
    except NotFound as error:
        return _fail(f"{error}{existing(error, session.client)}", error.exit_code)
    except PyctlError as error:
        return _fail(error, error.exit_code)
    except click.ClickException as error:
        return _fail(error.format_message(), 1)
    except (KeyboardInterrupt, click.Abort):
        return 130
    except (_OutputGone, BrokenPipeError):
        # Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return outcome if isinstance(outcome, int) else 0


def _fail(error: object, code: int) -> int:
    sys.stdout.flush()
    print(error, file=sys.stderr)
    return code
