"""What the log options ``labels``, ``env`` and ``tag`` add to each record of a json-file log, by docker's rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from attrs import frozen

_FIELD = re.compile(r"\{\{\s*\.(\w+)\s*\}\}")


@frozen(kw_only=True)
class Subject:
    """The container whose log it is."""

    id: str
    name: str
    image: str
    image_id: str
    labels: Mapping[str, str]
    env: tuple[str, ...]

    def fields(self) -> dict[str, str]:
        """What a tag's template may name."""
        short_image = self.image_id.removeprefix("sha256:")[:12]
        return {
            "ID": self.id[:12],
            "FullID": self.id,
            "Name": self.name,
            "ImageID": short_image,
            "ImageFullID": self.image_id,
            "ImageName": self.image,
        }


def attributes(options: Mapping[str, str], subject: Subject) -> dict[str, str]:
    """Labels and variables that are named, or matched by ``labels-regex`` and ``env-regex``, and the tag. ValueError names a wrong option."""
    variables = dict(entry.partition("=")[::2] for entry in subject.env)
    found = {
        **_chosen(subject.labels, options.get("labels", ""), _pattern(options, "labels-regex")),
        **_chosen(variables, options.get("env", ""), _pattern(options, "env-regex")),
    }
    if tag := options.get("tag", ""):
        found["tag"] = _tag(tag, subject.fields())
    return found


def _chosen(values: Mapping[str, str], names: str, pattern: re.Pattern[str] | None) -> dict[str, str]:
    listed: Iterable[str] = filter(None, names.split(","))
    found = {name: values[name] for name in listed if name in values}
    if pattern is not None:
        found |= {name: value for name, value in values.items() if pattern.search(name)}
    return found


def _pattern(options: Mapping[str, str], option: str) -> re.Pattern[str] | None:
    text = options.get(option, "")
    try:
        return re.compile(text) if text else None
    except re.error as error:
        raise ValueError(f"{option}: not a regular expression: {text!r}: {error}") from error


def _tag(template: str, fields: Mapping[str, str]) -> str:
    unknown = [name for name in _FIELD.findall(template) if name not in fields]
    if unknown or "{{" in _FIELD.sub("", template):
        raise ValueError(
            f"tag: expected fields of {', '.join(f'{{{{.{name}}}}}' for name in fields)}, got {template!r}"
        )
    return _FIELD.sub(lambda match: fields[match[1]], template)
