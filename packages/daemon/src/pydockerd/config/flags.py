"""The flags of the command, made of the options. What they mean is read later, together with the file: here they are texts."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from pydockerd import __version__
from pydockerd.config.kinds import Kind, Nothing
from pydockerd.config.option import options
from pydockerd.config.refused import REFUSED
from pydockerd.config.settings import Settings

DEFAULT_FILE: Final = Path("/etc/pydockerd/daemon.json")


@frozen(kw_only=True)
class Said:
    """What the command line says: by the key of each option, all texts that its flag had."""

    texts: Mapping[str, tuple[str, ...]]
    refused: Mapping[str, tuple[str, ...]]
    """Flags of dockerd's that there are not, by their names."""
    file: Path
    file_is_named: bool
    """A file that nobody has named need not be there."""
    validate: bool


def parser() -> argparse.ArgumentParser:
    """All flags. Booleans are true by the flag alone; ``--flag=false`` is the other."""
    made = argparse.ArgumentParser(
        prog="pydockerd",
        description="The Docker Engine API over pycontainerd. Containers go on running when it stops.",
        epilog="Each option may be in the configuration file instead, by dockerd's names. A --flag=false switches off what is on.",
        allow_abbrev=False,
    )
    made.add_argument("-v", "--version", action="version", version=f"pydockerd version {__version__}")
    made.add_argument(
        "--config-file",
        type=Path,
        default=None,
        metavar="FILE",
        help=f"the configuration (default {DEFAULT_FILE}; docker's is /etc/docker/daemon.json)",
    )
    made.add_argument("--validate", action="store_true", help="check the configuration, and leave")
    for _, option in options(Settings):
        names = [f"-{option.letter}"] if option.letter else []
        _add(made, [*names, option.said], f"key {option.key}", option.kind, option.metavar, _help(option))
    for name, why in REFUSED.items():
        _add(made, [f"--{name}"], f"refused {name}", Nothing(why), "", argparse.SUPPRESS)
    return made


def parse(arguments: Sequence[str] | None = None) -> Said:
    """Read the command line. Exits with 2 on a flag that there is not, as argparse does."""
    found = vars(parser().parse_args(arguments))
    named: Path | None = found["config_file"]
    return Said(
        texts=_under("key ", found),
        refused=_under("refused ", found),
        file=(named or DEFAULT_FILE).absolute(),
        file_is_named=named is not None,
        validate=found["validate"],
    )


def _add(made: argparse.ArgumentParser, names: list[str], key: str, kind: Kind[Any], metavar: str, help: str) -> None:
    more: dict[str, Any] = {"nargs": "?", "const": "true"} if kind.bare else {}
    made.add_argument(
        *names, dest=key, action="append", default=None, metavar=metavar or "true|false", help=help, **more
    )


def _help(option: Any) -> str:
    text = option.meaning.replace("%", "%%")
    return f"{text}; repeatable" if option.kind.repeats else text


def _under(prefix: str, found: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {
        name.removeprefix(prefix): tuple(texts)
        for name, texts in found.items()
        if name.startswith(prefix) and texts is not None
    }
