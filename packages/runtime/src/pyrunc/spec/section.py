"""Section: what every JSON object of config.json is made of: loading with paths in errors, dumping, equality, unknown fields.

Classes are declared with ``@frozen(kw_only=True, eq=False, repr=False)``: equality passes over the maps in a hash, and repr over defaults.
Sections that few containers use are imported when a document has them (``lazy``).
"""

from __future__ import annotations

from collections.abc import Mapping

from pyrunc.errors import SpecError
from pyrunc.model import Field, field, fields, frozen
from pyrunc.spec.read import each, each_value, mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Self

    from pyrunc.spec.read import Metadata, Reader

    Key = tuple[str, str, Reader, bool]
    """Attribute, JSON name, reader, whether it is required."""


def camel(name: str) -> str:
    """``cgroups_path`` → ``cgroupsPath``."""
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


def json_name(member: Field) -> str:
    """What the field is called in config.json."""
    name: str = member.metadata.get("json") or camel(member.name)
    return name


@frozen(kw_only=True, eq=False, repr=False)
class Section:
    """A JSON object. ``extra`` keeps the members that this version does not know, so that they survive a round trip."""

    extra: Mapping[str, object] = field(factory=dict)

    _keys: ClassVar[tuple[Key, ...] | None] = None

    @classmethod
    def members(cls) -> tuple[Key, ...]:
        """The members of this kind of object; worked out once for each class."""
        if cls.__dict__.get("_keys") is None:
            cls._keys = tuple(
                (member.name, json_name(member), member.metadata["read"], member.required)
                for member in fields(cls)
                if member.name != "extra"
            )
        keys: tuple[Key, ...] | None = cls._keys
        assert keys is not None
        return keys

    @classmethod
    def from_json(cls, value: object, path: str = "") -> Self:
        """Check ``value`` and make a section of it. ``null`` members count as absent, as Go's decoder has it.

        Raises SpecError naming the member (below ``path``) and the rule that it breaks.
        """
        members = dict(mapping(value, path))
        prefix = f"{path}." if path else ""
        arguments: dict[str, Any] = {}
        for attribute, name, reader, required in cls.members():
            member = members.pop(name, None)
            if member is not None:
                arguments[attribute] = reader(member, prefix + name)
            elif required:
                raise SpecError(prefix + name, "is required")
        return cls(extra=members, **arguments)

    def to_json(self) -> dict[str, object]:
        """The object as JSON would hold it: required members, all that differ from their default, and the unknown ones."""
        members: dict[str, object] = {}
        known = fields(self)[1:]  # the first is ``extra``
        for (attribute, name, _, _), member in zip(self.members(), known, strict=True):
            value = getattr(self, attribute)
            if not member.is_default(value) or member.metadata.get("always"):
                members[name] = _plain(value)
        members.update(self.extra)
        return members

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        # Those made by a factory are the maps, which cannot be hashed.
        return hash((type(self), *[getattr(self, member.name) for member in fields(self) if member.factory is None]))

    def __repr__(self) -> str:
        values = [(member, getattr(self, member.name)) for member in fields(self)]
        told = (f"{member.name}={value!r}" for member, value in values if not member.is_default(value))
        return f"{type(self).__name__}({', '.join(told)})"


_LEAVES = frozenset({str, int, bool, type(None)})


def _plain(value: object) -> object:
    if type(value) in _LEAVES:
        return value
    if isinstance(value, Section):
        return value.to_json()
    if isinstance(value, tuple):
        return [item if type(item) in _LEAVES else _plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def section(kind: type[Section], name: str = "") -> Metadata:
    """Metadata of a field that holds one section."""
    return _metadata(kind.from_json, name)


def sections(kind: type[Section], name: str = "") -> Metadata:
    """Metadata of a field that holds an array of sections."""
    return _metadata(each(kind.from_json), name)


def lazy(module: str, kind: str, name: str = "") -> Metadata:
    """Metadata of a field that holds one section, whose class is imported from ``pyrunc.spec.<module>`` when it is met."""
    return _metadata(_reader_of(module, kind), name)


def lazies(module: str, kind: str, name: str = "") -> Metadata:
    """The same for an array of sections."""
    return _metadata(each(_reader_of(module, kind)), name)


def lazy_map(module: str, kind: str, name: str = "") -> Metadata:
    """The same for an object whose values are sections."""
    return _metadata(each_value(_reader_of(module, kind)), name)


def _metadata(reader: Reader, name: str) -> Metadata:
    return {"read": reader, "json": name} if name else {"read": reader}


def _reader_of(module: str, kind: str) -> Reader:
    def read_section(value: object, path: str) -> Section:
        found: type[Section] = getattr(__import__(f"pyrunc.spec.{module}", fromlist=[kind]), kind)
        return found.from_json(value, path)

    return read_section
