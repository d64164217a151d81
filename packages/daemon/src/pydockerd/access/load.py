"""From the names in the configuration to authorizers."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from pydockerd.access.authorizer import Authorizer
from pydockerd.access.gate import Gate
from pydockerd.errors import ConfigError

_PYTHON = "python://"


def gate(names: Sequence[str]) -> Gate:
    """Who is asked, in order. ConfigError for a name of nobody: a daemon that would let everybody in must not start."""
    return Gate([_authorizer(name) for name in dict.fromkeys(names)])


def _authorizer(name: str) -> Authorizer:
    if name.startswith(_PYTHON):
        return _imported(name, name.removeprefix(_PYTHON))
    from pydockerd.access.plugin import find  # an HTTP client, for who asks for one

    return find(name)


def _imported(name: str, place: str) -> Authorizer:
    module, _, attribute = place.partition(":")
    try:
        made = getattr(importlib.import_module(module), attribute)()
    except Exception as error:
        raise ConfigError(f"authorization-plugins: {name}: {type(error).__name__}: {error}") from error
    if not isinstance(made, Authorizer):
        raise ConfigError(f"authorization-plugins: {name}: it has not all of name, before and after")
    return made
