"""Reachability and what may go, as pure functions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pycontainerd.gc.collector import collectable, needed
from pycontainerd.gc.graph import reachable
from pycontainerd.gc.roots import References
from pycontainerd.leases.resource import LeaseResource
from pycontainerd.snapshots.snapshotter import Kind, Snapshot

NODES = st.integers(0, 8)
EDGES = st.dictionaries(NODES, st.sets(NODES, max_size=4))


def closure(roots: set[int], edges: dict[int, set[int]]) -> set[int]:
    """The slow way: again and again until nothing is added."""
    found = roots
    while (more := found.union(*(edges.get(node, set()) for node in found))) != found:
        found = more
    return found


@given(st.sets(NODES), EDGES)
def test_reachable(roots: set[int], edges: dict[int, set[int]]) -> None:
    assert reachable(roots, lambda node: edges.get(node, ())) == closure(roots, edges)


def layer(name: str, parent: str | None = None, kind: Kind = Kind.COMMITTED) -> Snapshot:
    return Snapshot(name, parent, kind)


def test_snapshots_go_from_the_top() -> None:
    stack = [layer("a"), layer("b", "a"), layer("c", "b")]
    assert collectable(stack, set(), set()) == ["c"]
    assert collectable(stack[:2], set(), set()) == ["b"]


def test_what_is_needed_or_held_stays() -> None:
    stack = [layer("a"), layer("b"), layer("c")]
    assert collectable(stack, {LeaseResource.snapshot("a")}, {"b"}) == ["c"]
    assert collectable(stack, {LeaseResource.content("a")}, set()) == [
        "a",
        "b",
        "c",
    ]  # a blob of that name is not the layer


def test_a_container_keeps_what_it_is_made_from() -> None:
    stack = [
        layer("a"),
        layer("b", "a"),
        layer("other"),
        layer("container", "b", Kind.ACTIVE),
        layer("v", None, Kind.VIEW),
    ]
    kept = needed(References(), stack)
    assert kept == {LeaseResource.snapshot(name) for name in ("a", "b", "container", "v")}
    assert collectable(stack, kept, set()) == ["other"]


def test_labels_lead_on() -> None:
    index, manifest, blob = (LeaseResource.content(name) for name in ("index", "manifest", "blob"))
    references = References({"a": {index}}, {"a": {index: {manifest}, manifest: {blob, LeaseResource.snapshot("b")}}})
    kept = needed(references, [layer("a"), layer("b", "a")])
    assert kept == {index, manifest, blob, LeaseResource.snapshot("a"), LeaseResource.snapshot("b")}
