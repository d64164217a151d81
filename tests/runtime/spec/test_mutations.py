"""Whatever a member of a good configuration is replaced by: it is loaded and compiled, or refused with an error that names a place."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pyrunc import Facts, PyruncError, Spec, SpecError
from pyrunc.compile.container import compile as compile_container
from pyrunc.seccomp import default_profile

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _rich() -> dict[str, Any]:
    """With something in most sections."""
    resources = {
        "memory": {"limit": 1 << 26, "swap": 1 << 27},
        "cpu": {"quota": 5000, "period": 10000, "shares": 5, "cpus": "0"},
        "pids": {"limit": 9},
        "blockIO": {"weight": 100, "weightDevice": [{"major": 8, "minor": 0, "weight": 10}]},
        "hugepageLimits": [{"pageSize": "2MB", "limit": 5}],
        "unified": {"memory.high": "5"},
    }
    document = Spec.default().with_mount("/data", "bind", "/srv", ("bind", "ro")).to_json()
    document["hooks"] = {"poststop": [{"path": "/bin/true", "args": ["true"], "timeout": 3}]}
    document["annotations"] = {"a": "b"}
    linux: Any = document["linux"]
    linux["resources"] = resources
    linux["devices"] = [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3, "fileMode": 438}]
    linux["sysctl"] = {"net.ipv4.ip_forward": "1"}
    linux["seccomp"] = default_profile(("CAP_KILL",), "x86_64", (6, 1)).to_json()
    linux["seccomp"]["syscalls"] = linux["seccomp"]["syscalls"][:3]
    return document


RICH = _rich()


def _places(value: object, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield above
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _places(member, (*above, key))
    elif isinstance(value, list):
        for index, member in enumerate(value[:3]):
            yield from _places(member, (*above, index))


PLACES = [place for place in _places(RICH) if place]


def _replaced(place: tuple[str | int, ...], value: object) -> dict[str, Any]:
    document = copy.deepcopy(RICH)
    section: Any = document
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    return document


def test_what_is_changed_is_good() -> None:
    assert Spec.load(RICH).to_json() == RICH


def _refusal(action: Callable[[], object]) -> PyruncError | None:
    """What is raised on purpose; anything else is a fault."""
    try:
        action()
    except PyruncError as error:
        return error
    return None


@settings(max_examples=1500, deadline=None)
@given(place=st.sampled_from(PLACES), value=JSON)
def test_one_member_replaced(place: tuple[str | int, ...], value: object) -> None:
    document = _replaced(place, value)
    refused = _refusal(lambda: Spec.load(document))
    if refused is not None:
        assert isinstance(refused, SpecError)
        assert refused.path
        return
    spec = Spec.load(document)
    refused = _refusal(
        lambda: compile_container(spec, Facts(), id="c", bundle="/b", cgroups={}, assemble=lambda _: b"\0" * 8)
    )
    assert refused is None or str(refused)


@settings(max_examples=300, deadline=None)
@given(value=JSON)
def test_anything_at_all(value: Any) -> None:
    refused = _refusal(lambda: Spec.from_json(value))
    assert refused is None or str(refused)
