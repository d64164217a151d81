"""``daemon.json``: one object, whose keys are the options'."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydockerd.config.kinds import Nothing, mapping
from pydockerd.config.option import Option, options
from pydockerd.config.refused import REFUSED
from pydockerd.config.settings import Settings
from pydockerd.errors import ConfigError

LIMIT: Final = 1 << 20
"""Bytes of the file."""


def read(path: Path, *, must_exist: bool) -> Mapping[str, Any]:
    """The decoded values by their keys, of which none is unknown. An empty file says nothing, nor does ``null``. ConfigError."""
    try:
        with path.open("rb") as file:
            content = file.read(LIMIT + 1)
    except FileNotFoundError as error:
        if must_exist:
            raise ConfigError(f"open {path}: no such file or directory") from error
        return {}
    except OSError as error:
        raise ConfigError(f"open {path}: {error.strerror}") from error
    if len(content) > LIMIT:
        raise ConfigError(f"it is larger than {LIMIT} bytes")
    values = {key: value for key, value in mapping(_decoded(content), "the file").items() if value is not None}
    _check_keys(values)
    return values


def _decoded(content: bytes) -> Any:
    if not content.strip():
        return {}
    try:
        return json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError("it is not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"invalid JSON: {error}") from None


def _check_keys(values: Mapping[str, Any]) -> None:
    known = {option.key: option for _, option in options(Settings)}
    for key in values.keys() & REFUSED.keys():
        Nothing(REFUSED[key]).from_json(values[key], key)
    if unknown := sorted(values.keys() - known.keys()):
        told = ", ".join(f"{key}{_hint(key, known)}" for key in unknown)
        raise ConfigError(f"the following directives don't match any configuration option: {told}")


def _hint(key: str, known: Mapping[str, Option]) -> str:
    """The key that was meant: flags of several values are in the singular, keys in the plural."""
    by_flag = [option.key for option in known.values() if option.flag == key]
    near = by_flag or difflib.get_close_matches(key.lower(), known, 1)
    return f" (is {near[0]} meant?)" if near else ""
