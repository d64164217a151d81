"""pyrunc.model: attrs' classes for who uses them, without attrs for who starts a container."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any, cast

import attrs
import pytest

from pyrunc.model import NOTHING, define, evolve, field, fields, frozen


@frozen(kw_only=True)
class Base:
    name: str
    tags: dict[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Derived(Base):
    size: int = field(default=3, metadata={"unit": "byte"})
    _hidden: int = 0


@frozen
class Pair:
    left: int
    right: int = 2


@define
class Counter:
    start: int
    count: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.count = self.start


def test_takes_arguments_as_attrs_does() -> None:
    made = Derived(name="a", hidden=5)
    assert (made.name, made.tags, made.size, made._hidden) == ("a", {}, 3, 5)
    assert Pair(1) == Pair(1, 2) == Pair(left=1, right=2) != Pair(2, 1)
    assert Counter(4).count == 4


@pytest.mark.parametrize(
    ("cls", "positional", "named"),
    [
        (Derived, (), {}),
        (Derived, ("a",), {}),
        (Derived, (), {"name": "a", "colour": 1}),
        (Derived, (), {"name": "a", "_hidden": 1}),
        (Pair, (1, 2, 3), {}),
        (Pair, (1,), {"left": 1}),
        (Counter, (1,), {"count": 1}),
    ],
)
def test_refuses_wrong_arguments(cls: Any, positional: tuple[object, ...], named: dict[str, object]) -> None:
    with pytest.raises(TypeError, match=cls.__name__):
        cls(*positional, **named)


def test_no_two_objects_share_what_a_factory_made() -> None:
    first, second = Base(name="a"), Base(name="b")
    assert first.tags is not second.tags


def test_frozen_objects_are_values() -> None:
    pair = Pair(1, 2)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        pair.left = 9  # type: ignore[misc]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        del pair.left
    assert {pair: "found"}[Pair(1, 2)] == "found"
    assert repr(pair) == "Pair(left=1, right=2)"
    assert Pair(1, 2) != cast(object, Counter(1))
    with pytest.raises(TypeError, match="unhashable"):
        hash(Counter(1))


def test_copies() -> None:
    made = Derived(name="a", tags={"x": "y"}, size=7)
    assert copy.deepcopy(made) == copy.copy(made) == pickle.loads(pickle.dumps(made)) == made
    assert evolve(made, size=8, hidden=1) == Derived(name="a", tags={"x": "y"}, size=8, hidden=1)


def test_attrs_sees_a_class_of_its_own() -> None:
    assert attrs.has(cast(Any, Derived))
    told = {item.name: (item.alias, item.default, item.kw_only) for item in attrs.fields(cast(Any, Derived))}
    assert told["name"] == ("name", attrs.NOTHING, True)
    assert told["size"] == ("size", 3, True)
    assert told["_hidden"] == ("hidden", 0, True)
    assert attrs.fields(cast(Any, Derived)).size.metadata == {"unit": "byte"}
    assert attrs.evolve(Derived(name="a", hidden=4), size=1) == Derived(name="a", hidden=4, size=1)
    assert attrs.asdict(Pair(1)) == {"left": 1, "right": 2}

    @attrs.frozen(kw_only=True)
    class Below(Derived):
        more: int = 1

    assert Below(name="a").name == "a"
    assert [item.name for item in attrs.fields(Below)] == ["name", "tags", "size", "_hidden", "more"]


def test_knows_what_is_required_and_what_is_default() -> None:
    name, tags, size, _ = fields(Derived)
    assert (name.required, tags.required, size.required) == (True, False, False)
    assert name.default is NOTHING
    assert (tags.is_default({}), tags.is_default({"a": "b"}), size.is_default(3), size.is_default(True)) == (1, 0, 1, 0)


def test_importing_the_runtime_imports_no_attrs() -> None:
    """What the module is for; and classes of attrs below Section would not be read."""
    script = """
import pkgutil, sys
import pyrunc.cli, pyrunc.container, pyrunc.execs, pyrunc.making, pyrunc.runtime, pyrunc.slots, pyrunc.teardown
import pyrunc.cgroups.v2, pyrunc.compile.container, pyrunc.seccomp.program, pyrunc.spec
for module in pkgutil.iter_modules(pyrunc.spec.__path__, "pyrunc.spec."):
    __import__(module.name)
print(*sorted({"attr", "attrs"} & set(sys.modules)))
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == ""
