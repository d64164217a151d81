"""Random operations on a supervisor beside a model of it: exactly what is unreachable goes, blobs and snapshots both; and of
two namespaces none sees what only the other has.

The model knows nothing of how it is done: only what each operation promises.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
from collections.abc import Iterator
from functools import partial

import pytest
from attrs import Factory, define
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pycontainerd import ContainerConfig, LeaseResource, blocking
from pycontainerd.images.image import chain_ids
from pycontainerd.leases.resource import ResourceKind
from pycontainerd.snapshots.snapshotter import Kind
from tests.supervisor.archives import config, layer, oci_layout, plain, sha
from tests.support.run import RUN

LAYERS = tuple(layer((f"file{number}", bytes([number]) * 100)) for number in range(4))
NAMES = tuple(f"name:{number}" for number in range(4))


@define
class Known:
    """An image of the model."""

    layers: tuple[bytes, ...]
    blobs: frozenset[str]
    names: set[str] = Factory(set)

    @property
    def chains(self) -> tuple[str, ...]:
        return chain_ids(tuple(map(sha, self.layers)))


@define
class Space:
    """What is in a namespace."""

    images: dict[str, Known] = Factory(dict)
    containers: dict[str, str] = Factory(dict)
    leases: dict[str, set[LeaseResource]] = Factory(dict)

    def blobs(self) -> set[str]:
        leased = {each.name for held in self.leases.values() for each in held if each.kind is ResourceKind.CONTENT}
        return leased.union(*(image.blobs for image in self.images.values()))

    def layers(self) -> set[str]:
        """Without those that they are made from."""
        leased = {each.name for held in self.leases.values() for each in held if each.kind is ResourceKind.SNAPSHOT}
        return leased.union(*(image.chains for image in self.images.values()))


class Machine(RuleBasedStateMachine):
    """Each rule does one thing to both, in the namespace where it is."""

    @initialize()
    def open(self) -> None:
        self.directory = RUN.short_directory()
        self.spaces = {"default": Space(), "ci": Space()}
        self.name = "default"
        self.parents: dict[str, str | None] = {}
        self.count = 0
        self.supervisor = self._opened()

    def _opened(self) -> blocking.Supervisor:
        made = blocking.Supervisor(
            self.directory / "root", self.directory / "state", cgroup_parent=f"/pycontainerd-{RUN.name[:12]}-model"
        )
        return made.__enter__()

    @property
    def images(self) -> dict[str, Known]:
        return self.spaces[self.name].images

    @property
    def containers(self) -> dict[str, str]:
        return self.spaces[self.name].containers

    @property
    def leases(self) -> dict[str, set[LeaseResource]]:
        return self.spaces[self.name].leases

    @property
    def here(self) -> blocking.Namespace:
        return self.supervisor.namespace(self.name)

    def teardown(self) -> None:
        try:
            self.collect_garbage()
        finally:
            for name in self.spaces:
                for container in self.supervisor.namespace(name).containers.list():
                    container.remove(force=True)
            self.supervisor.__exit__(None, None, None)
            shutil.rmtree(self.directory)

    # -- what is done --------------------------------------------------------------------------------------------------------

    @rule()
    def move_to_the_other_namespace(self) -> None:
        (self.name,) = self.spaces.keys() - {self.name}

    @rule(
        numbers=st.lists(st.integers(0, len(LAYERS) - 1), min_size=1, max_size=3),
        name=st.sampled_from(NAMES),
        compressed=st.booleans(),
    )
    def bring_in(self, numbers: list[int], name: str, compressed: bool) -> None:
        layers = tuple(LAYERS[number] for number in numbers)
        # with a time in it, it would not be the same blob again
        compress = partial(gzip.compress, mtime=0) if compressed else plain
        layout = oci_layout(self.directory / self._fresh(), layers, name, compress)
        (image,) = self.here.images.import_archive(layout)
        assert image.id == sha(config(layers))
        self._move(name)
        known = self.images.setdefault(image.id, Known(layers, frozenset(sha(compress(each)) for each in layers)))
        known.names.add(name)
        self.parents |= dict(zip(known.chains, (None, *known.chains), strict=False))

    @rule(data=st.data(), name=st.sampled_from(NAMES))
    @precondition(lambda self: self.images)
    def tag(self, data: st.DataObject, name: str) -> None:
        image_id = data.draw(st.sampled_from(sorted(self.images)))
        self.here.images.tag(image_id, name)
        self._move(name)
        self.images[image_id].names.add(name)

    @rule(data=st.data())
    @precondition(lambda self: any(image.names for image in self.images.values()))
    def untag(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(name for image in self.images.values() for name in image.names)))
        image_id = next(key for key, image in self.images.items() if name in image.names)
        self.here.images.remove(name, force=True)
        self._move(name)
        if not self.images[image_id].names and image_id not in self.containers.values():
            del self.images[image_id]

    @rule(data=st.data())
    @precondition(lambda self: self._unused())
    def remove_an_image(self, data: st.DataObject) -> None:
        image_id = data.draw(st.sampled_from(self._unused()))
        self.here.images.remove(image_id, force=True)
        del self.images[image_id]

    @rule(data=st.data())
    @precondition(lambda self: self.images and len(self.containers) < 4)
    def create(self, data: st.DataObject) -> None:
        image_id = data.draw(st.sampled_from(sorted(self.images)))
        container = self.here.containers.create(ContainerConfig(image=image_id))
        self.containers[container.id] = image_id

    @rule(data=st.data())
    @precondition(lambda self: self.containers)
    def remove_a_container(self, data: st.DataObject) -> None:
        container_id = data.draw(st.sampled_from(sorted(self.containers)))
        self.here.containers.get(container_id).remove()
        del self.containers[container_id]

    @rule()
    @precondition(lambda self: len(self.leases) < 3)
    def lease(self) -> None:
        self.leases[self.here.leases.create(self._fresh()).id] = set()

    @rule(data=st.data())
    @precondition(lambda self: self.leases and self.images)
    def lease_of_an_image(self, data: st.DataObject) -> None:
        lease_id = data.draw(st.sampled_from(sorted(self.leases)))
        image = self.images[data.draw(st.sampled_from(sorted(self.images)))]
        offered = [*map(LeaseResource.content, sorted(image.blobs)), *map(LeaseResource.snapshot, image.chains)]
        chosen = data.draw(st.sets(st.sampled_from(offered), min_size=1))
        self.here.leases.add(lease_id, *chosen)
        self.leases[lease_id] |= chosen

    @rule(data=st.data())
    @precondition(lambda self: any(self.leases.values()))
    def release(self, data: st.DataObject) -> None:
        lease_id = data.draw(st.sampled_from(sorted(key for key, held in self.leases.items() if held)))
        chosen = data.draw(st.sampled_from(sorted(self.leases[lease_id])))
        self.here.leases.release(lease_id, chosen)
        self.leases[lease_id].discard(chosen)

    @rule(data=st.data())
    @precondition(lambda self: self.leases)
    def unlease(self, data: st.DataObject) -> None:
        lease_id = data.draw(st.sampled_from(sorted(self.leases)))
        self.here.leases.delete(lease_id)
        del self.leases[lease_id]

    @rule(data=st.data(), content=st.integers(0, 3))
    def ingest(self, data: st.DataObject, content: int) -> None:
        """A blob that no image has: kept only if a lease takes it while the work goes on."""
        lease_id = data.draw(st.sampled_from([None, *sorted(self.leases)]))
        with self.here.leases.lease() as working:
            blob = self.here.content.ingest(io.BytesIO(b"loose %d" % content), working)
            self.supervisor.collect()
            assert self.here.content.has(blob.digest)
            if lease_id is not None:
                resource = LeaseResource.content(blob.digest)
                self.here.leases.add(lease_id, resource)
                self.leases[lease_id].add(resource)

    @rule()
    def collect_garbage(self) -> None:
        self.supervisor.collect()
        self._nothing_else_is_there()

    @rule()
    def reopen(self) -> None:
        """Opening collects by itself."""
        self.supervisor.__exit__(None, None, None)
        self.supervisor = self._opened()
        self._nothing_else_is_there()

    # -- what has to be ------------------------------------------------------------------------------------------------------

    def _nothing_else_is_there(self) -> None:
        for name, space in self.spaces.items():
            assert self.seen(name) == space.blobs()
        assert self.stored() == set().union(*(space.blobs() for space in self.spaces.values()))
        assert self.committed() == self.needed_layers()

    @invariant()
    def nothing_that_is_needed_is_gone(self) -> None:
        if hasattr(self, "supervisor"):
            for name, space in self.spaces.items():
                assert self.seen(name) >= space.blobs()
            assert self.committed() >= self.needed_layers()
            active = {each.key for each in self.supervisor.snapshots.walk() if each.kind is not Kind.COMMITTED}
            assert active == {key for space in self.spaces.values() for key in space.containers}

    @invariant()
    def images_and_containers_are_those_of_the_model(self) -> None:
        if hasattr(self, "supervisor"):
            for name, space in self.spaces.items():
                there = self.supervisor.namespace(name)
                found = {image.id: set(image.references) for image in there.images.list()[1:]}
                assert found == {image_id: image.names for image_id, image in space.images.items()}
                assert {each.id for each in there.containers.list()} == space.containers.keys()

    def seen(self, name: str) -> set[str]:
        return {blob.digest for blob in self.supervisor.namespace(name).content.walk()}

    def stored(self) -> set[str]:
        return {f"sha256:{name}" for name in os.listdir(self.directory / "root/content/blobs/sha256")}

    def committed(self) -> set[str]:
        return {each.key for each in self.supervisor.snapshots.walk() if each.kind is Kind.COMMITTED}

    def needed_layers(self) -> set[str]:
        tops = {top for space in self.spaces.values() for top in space.layers()}
        return {below for top in tops for below in self._stack(top)}

    # -- inside --------------------------------------------------------------------------------------------------------------

    def _stack(self, chain: str | None) -> Iterator[str]:
        while chain is not None:
            yield chain
            chain = self.parents[chain]

    def _unused(self) -> list[str]:
        return sorted(set(self.images) - set(self.containers.values()))

    def _move(self, name: str) -> None:
        """The name is somebody else's, or nobody's, from now on."""
        for image in self.images.values():
            image.names.discard(name)

    def _fresh(self) -> str:
        self.count += 1
        return f"fresh{self.count}"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_exactly_the_unreachable_goes() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
