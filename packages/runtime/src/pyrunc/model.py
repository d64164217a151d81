"""Models: ``define``, ``frozen``, ``field`` and ``evolve`` as attrs has them, without what it costs to import and to use attrs.

A runtime is started once for each container. Importing attrs takes three times as long as starting Python does, and generating the
methods of our hundred classes as long again: together more than ``runc run`` takes for everything. So the methods are written once here,
for all classes, and nothing is generated. To the type checker they *are* attrs' functions. Whoever asks a class for its attrs fields
gets them, which is when attrs is imported: ``attrs.evolve``, ``attrs.fields``, ``attrs.asdict`` and classes of attrs below ours work.

Less than attrs: no validators, converters, slots or ordering; ``kw_only`` is of the class. A default stays an attribute of the class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from attrs import define, evolve, field, frozen

    T = TypeVar("T")

__all__ = ["NOTHING", "Field", "define", "evolve", "field", "fields", "frozen"]


class _Nothing:
    """The default of a field that has none."""

    def __repr__(self) -> str:
        return "NOTHING"


NOTHING = _Nothing()


class Field:
    """One field of a model. ``alias`` is its name as an argument, without leading underscores; ``annotation`` its type, as it is written."""

    __slots__ = ("alias", "annotation", "default", "eq", "factory", "init", "metadata", "name", "repr")

    def __init__(
        self,
        default: object = NOTHING,
        factory: Callable[[], object] | None = None,
        metadata: Mapping[str, Any] | None = None,
        eq: bool = True,
        init: bool = True,
        repr: bool = True,
    ) -> None:
        self.name = self.alias = self.annotation = ""
        self.default = default
        self.factory = factory
        self.metadata = metadata or {}
        self.eq = eq
        self.init = init
        self.repr = repr

    @property
    def required(self) -> bool:
        """Whether who makes an object has to give it."""
        return self.init and self.default is NOTHING and self.factory is None

    def is_default(self, value: object) -> bool:
        """Whether ``value`` is what the field has when nothing is given."""
        if self.factory is not None:
            return not value
        return self.default is not NOTHING and value == self.default and type(value) is type(self.default)


class _Shape:
    """What the methods need of a class, worked out once."""

    __slots__ = (
        "aliases",
        "all_compared",
        "defaults",
        "factories",
        "fields",
        "keyword_only",
        "names",
        "prepared",
        "required",
        "same",
    )

    def __init__(
        self, fields: tuple[Field, ...], *, keyword_only: bool, prepared: Callable[[Any], None] | None
    ) -> None:
        given = [item for item in fields if item.init]
        self.fields = fields
        self.keyword_only = keyword_only
        self.names = {item.alias: item.name for item in given}
        self.aliases = self.names.keys()
        self.same = all(alias == name for alias, name in self.names.items())
        self.required = tuple(item.name for item in fields if item.required)
        self.factories = tuple((item.name, item.factory) for item in fields if item.factory is not None)
        self.defaults = {item.name: item.default for item in fields if item.default is not NOTHING}
        self.all_compared = all(item.eq for item in fields)
        self.prepared = prepared


class _Undetermined:
    """``__shape__`` of a class of which no object has been made: half of the classes that a command imports stay like this."""

    __slots__ = ("keyword_only",)

    def __init__(self, *, keyword_only: bool) -> None:
        self.keyword_only = keyword_only

    def __get__(self, instance: object, owner: type) -> _Shape:
        prepared = getattr(owner, "__attrs_post_init__", None)
        shape = _Shape(_declared(owner), keyword_only=self.keyword_only, prepared=prepared)
        owner.__shape__ = shape  # type: ignore[attr-defined]
        return shape


class _AttrsFields:
    """``__attrs_attrs__`` of a class: attrs is imported when it is asked for. attrs' own classes below ours replace it."""

    def __get__(self, instance: object, owner: type) -> tuple[Any, ...]:
        import attrs

        shape: _Shape = owner.__shape__  # type: ignore[attr-defined]  # set beside this
        given = {item.name: _for_attrs(item, shape.keyword_only) for item in shape.fields}
        found: tuple[Any, ...] = attrs.fields(attrs.make_class(owner.__name__, given))
        owner.__attrs_attrs__ = found  # type: ignore[attr-defined]
        return found


def _for_attrs(item: Field, keyword_only: bool) -> Any:
    import attrs

    default = (
        {"factory": item.factory} if item.factory else {} if item.default is NOTHING else {"default": item.default}
    )
    return attrs.field(
        metadata=item.metadata, eq=item.eq, init=item.init, repr=item.repr, kw_only=keyword_only, **default
    )


def fields(model: type | object) -> tuple[Field, ...]:
    """The fields of a model or of its class, in the order of their declaration, those of its bases first."""
    found: tuple[Field, ...] = model.__shape__.fields  # type: ignore[union-attr]
    return found


# -- the methods ---------------------------------------------------------------------------------------------------------------------


def _init(self: Any, /, *positional: object, **given: object) -> None:
    shape: _Shape = type(self).__shape__
    if positional:
        _name(self, shape, positional, given)
    if not given.keys() <= shape.aliases:
        raise TypeError(f"{type(self).__name__}() has no argument {min(given.keys() - shape.aliases)!r}")
    state = self.__dict__
    state.update(shape.defaults)
    state.update(given if shape.same else {shape.names[alias]: value for alias, value in given.items()})
    for name in shape.required:
        if name not in state:
            raise TypeError(f"{type(self).__name__}() needs the argument {name.lstrip('_')!r}")
    for name, factory in shape.factories:
        if name not in state:
            state[name] = factory()
    if shape.prepared is not None:
        shape.prepared(self)


def _name(self: object, shape: _Shape, positional: tuple[object, ...], given: dict[str, object]) -> None:
    """Move positional arguments to those with names."""
    if shape.keyword_only or len(positional) > len(shape.names):
        raise TypeError(
            f"{type(self).__name__}() takes {0 if shape.keyword_only else len(shape.names)} positional arguments"
        )
    for alias, value in zip(shape.names, positional, strict=False):
        if alias in given:
            raise TypeError(f"{type(self).__name__}() got two values for {alias!r}")
        given[alias] = value


def _refuse(self: object, name: str, value: object = None) -> None:
    from attrs.exceptions import FrozenInstanceError

    raise FrozenInstanceError


def _values(self: Any) -> tuple[object, ...]:
    return tuple([getattr(self, item.name) for item in type(self).__shape__.fields if item.eq])


def _eq(self: object, other: object) -> object:
    if other.__class__ is not self.__class__:
        return NotImplemented
    shape: _Shape = type(self).__shape__  # type: ignore[attr-defined]  # of a model
    return self.__dict__ == other.__dict__ if shape.all_compared else _values(self) == _values(other)


def _hash(self: object) -> int:
    return hash((type(self), _values(self)))


def _repr(self: object) -> str:
    told = (f"{item.alias}={getattr(self, item.name)!r}" for item in fields(self) if item.repr)
    return f"{type(self).__name__}({', '.join(told)})"


# -- making a class a model ----------------------------------------------------------------------------------------------------------


def _declared(cls: type) -> tuple[Field, ...]:
    """The fields of its bases and its own: what is annotated, except as a class variable. Annotations are text, by the __future__ import."""
    found = {item.name: item for base in cls.__bases__ for item in (fields(base) if hasattr(base, "__shape__") else ())}
    for name, annotation in cls.__annotations__.items():
        if annotation.startswith("ClassVar"):
            continue
        value = cls.__dict__.get(name, NOTHING)
        item = value if isinstance(value, Field) else Field(value)
        item.name, item.alias, item.annotation = name, name.lstrip("_"), annotation
        found.pop(name, None)
        found[name] = item
        if item.default is not NOTHING:
            setattr(cls, name, item.default)
        elif value is item:
            delattr(cls, name)
    return tuple(found.values())


def _model(cls: type[T], *, kw_only: bool, eq: bool, repr: bool, frozen: bool) -> type[T]:
    made: Any = cls
    made.__shape__ = _Undetermined(keyword_only=kw_only)
    made.__attrs_attrs__ = _AttrsFields()
    if made.__init__ is not _init:  # inherited, it costs nothing
        made.__init__ = _init
    if frozen and made.__setattr__ is not _refuse:
        made.__setattr__ = made.__delattr__ = _refuse
    if eq:
        made.__eq__ = _eq
        made.__hash__ = _hash if frozen else None
    if repr:
        made.__repr__ = _repr
    return cls


def _decorator(*, frozen: bool) -> Callable[..., Any]:
    def decorate(cls: type[T] | None = None, *, kw_only: bool = False, eq: bool = True, repr: bool = True) -> Any:
        if cls is None:
            return lambda cls: _model(cls, kw_only=kw_only, eq=eq, repr=repr, frozen=frozen)
        return _model(cls, kw_only=kw_only, eq=eq, repr=repr, frozen=frozen)

    return decorate


def _evolve(model: T, **changes: object) -> T:
    kept = {item.alias: getattr(model, item.name) for item in fields(model) if item.init}
    return type(model)(**{**kept, **changes})


if not TYPE_CHECKING:
    define, frozen, field, evolve = _decorator(frozen=False), _decorator(frozen=True), Field, _evolve
