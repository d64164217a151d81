"""The ``filters`` parameter: JSON, ``{"label": ["a", "b=c"]}`` or the older ``{"label": {"a": true}}``."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from attrs import field, frozen

from pydockerd.errors import BadRequest


@frozen
class Filters:
    """Values by name. Several values of one name are alternatives, but for labels, which must all be there."""

    values: Mapping[str, tuple[str, ...]] = field(factory=dict)

    @classmethod
    def parse(cls, text: str) -> Filters:
        """Raises BadRequest for what is neither of the two forms."""
        if not text:
            return cls()
        try:
            decoded = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadRequest(f"invalid filters: not JSON: {error}") from None
        if not isinstance(decoded, dict):
            raise BadRequest("invalid filters: expected an object of names to arrays of values")
        return cls({name: _values(name, value) for name, value in decoded.items()})

    def allow(self, names: Collection[str]) -> Filters:
        """These filters, or BadRequest when one is not among ``names``."""
        for name in self.values:
            if name not in names:
                raise BadRequest(f"invalid filter '{name}'")
        return self

    def and_also(self, name: str, value: str) -> Filters:
        """These filters with one more value."""
        return Filters({**self.values, name: (*self.get(name), value)})

    def get(self, name: str) -> tuple[str, ...]:
        """The values of one filter; none when it was not given."""
        return self.values.get(name, ())

    def one_of(self, name: str, value: str) -> bool:
        """Whether ``value`` passes: the filter was not given, or names it."""
        wanted = self.get(name)
        return not wanted or value in wanted

    def flag(self, name: str, default: bool) -> bool:
        """A filter that is true or false."""
        wanted = {value.lower() for value in self.get(name)}
        if not wanted:
            return default
        if wanted <= {"1", "true"}:
            return True
        if wanted <= {"0", "false"}:
            return False
        raise BadRequest(f"invalid filter '{name}={sorted(wanted)}': true or false is needed")

    def labels(self, labels: Mapping[str, str], name: str = "label") -> bool:
        """Whether every wanted label (``key`` or ``key=value``) is among ``labels``; ``name!`` lists what must not be."""
        return all(has_label(labels, wanted) for wanted in self.get(name)) and not any(
            has_label(labels, unwanted) for unwanted in self.get(name + "!")
        )


def has_label(labels: Mapping[str, str], wanted: str) -> bool:
    """Whether a label matches ``key`` or ``key=value``."""
    key, equals, value = wanted.partition("=")
    return key in labels and (not equals or labels[key] == value)


def _values(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, dict):
        return tuple(str(key) for key, wanted in value.items() if wanted)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise BadRequest(f"invalid filters: {name}: expected an array of strings")
