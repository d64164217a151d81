"""User namespaces that nobody lives in, and the roots of those that somebody does (mount_setattr(2), MOUNT_ATTR_IDMAP)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

import pyrunc
from pycontainerd.containers.config import ContainerConfig
from pycontainerd.diff.owners import Owners
from pycontainerd.errors import Unsupported
from pycontainerd.oci.namespaces import mapped
from pycontainerd.tasks.detached import idmapped
from pyrunc import IdMapping, RootMount


@contextlib.contextmanager
def user_namespace(uids: Sequence[IdMapping], gids: Sequence[IdMapping]) -> Iterator[int]:
    """A descriptor of a user namespace with these maps, for ``detached(…, ids=…)``. Unsupported where there can be none, or not with these maps."""
    try:
        namespace = pyrunc.user_namespace(uids, gids)
    except pyrunc.LaunchFailed as error:
        raise Unsupported(f"ids: no user namespace: {error}") from error
    try:
        yield namespace
    finally:
        os.close(namespace)


@contextlib.contextmanager
def mapped_root(config: ContainerConfig, mounts: Sequence[RootMount]) -> Iterator[int | None]:
    """The root of a container with a user namespace of its own, as a detached mount for the runtime; None where there is nothing to map.

    Its processes' numbers on the machine become their own numbers on the disk, and back. Unsupported where the kernel or the file system
    has no idmapped mounts.
    """
    if config.userns != "private":
        yield None
        return
    root = Owners(config.uid_mappings, config.gid_mappings).outside(0, 0)
    with user_namespace(mapped(config.uid_mappings), mapped(config.gid_mappings)) as ids:
        with idmapped(mounts, ids, root) as tree:
            yield tree
