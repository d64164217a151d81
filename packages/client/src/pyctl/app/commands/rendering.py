"""``--format`` of the commands that print documents: ``inspect``, ``version``, ``info``, ``events``."""

from __future__ import annotations

from pyctl.app.format.gotemplate import Template
from pyctl.errors import CommandFailed, TemplateError

_PARSE_CODE = 64


def parsed(given: str, prefix: str = "template parsing error: ", name: str = "") -> Template:
    """Parse a ``--format``; ``json`` stands for the whole document. Raises `CommandFailed` with docker's exit code, 64."""
    try:
        return Template("{{json .}}" if given == "json" else given, name=name)
    except TemplateError as error:
        raise CommandFailed(f"{prefix}{error}", _PARSE_CODE) from error
