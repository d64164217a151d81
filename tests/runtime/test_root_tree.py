"""A root that the caller has mounted, and that is nowhere but in a descriptor of his."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import pyrunc
from pyrunc import Process, Runtime, Stdio, _native
from tests.runtime.conftest import Bundle, read_all


@pytest.fixture
def tree(bundle: Bundle) -> Callable[[], int]:
    """Clones of the bundle's root: mounts without a mount point. What is opened is to be closed."""

    def clone() -> int:
        made = int(_native.lib.pyrunc_clone_tree(os.fsencode(bundle.root), False, -1, -1, -1, False))
        assert made >= 0
        return made

    return clone


@pytest.mark.parametrize("mapped", [False, True], ids=["plain", "user-namespace"])
def test_it_is_the_root(
    runtime: Runtime, bundle: Bundle, tree: Callable[[], int], tmp_path: Path, mapped: bool
) -> None:
    """Also for who may not walk to it: every directory on the way to its path is closed to others."""
    closed = tmp_path / "closed"
    (closed / "rootfs").mkdir(parents=True)
    closed.chmod(0o700)
    spec = bundle.spec(
        "ls -d /bin; cut -d' ' -f5 /proc/self/mountinfo | grep -c closed; wc -l < /proc/self/uid_map"
    ).with_root(closed / "rootfs")
    if mapped:
        spec = spec.with_user_namespace(200_000, 200_000)
    root = tree()
    container = runtime.create("web", bundle.path, spec=spec, stdio=Stdio.pipes(), root_tree=root)
    os.close(root)
    container.start()
    with container.streams() as streams:
        said = read_all(streams.stdout)
    assert container.wait(30).code == 0
    assert said.splitlines() == ["/bin", "0", "1"]
    assert os.listdir(closed / "rootfs") == []
    container.delete()


def test_it_is_left_alone_when_nothing_is_made(runtime: Runtime, bundle: Bundle, tree: Callable[[], int]) -> None:
    root = tree()
    with pytest.raises(pyrunc.ExecutableNotFound):
        runtime.create(
            "web", bundle.path, spec=bundle.spec("x").with_process(args=("/none",)), stdio=Stdio.null(), root_tree=root
        )
    assert runtime.ids() == []
    assert "bin" in os.listdir(f"/proc/self/fd/{root}/.")
    os.close(root)


def test_an_exec_in_it(runtime: Runtime, bundle: Bundle, tree: Callable[[], int]) -> None:
    root = tree()
    container = runtime.create("web", bundle.path, spec=bundle.spec("sleep 300"), stdio=Stdio.null(), root_tree=root)
    os.close(root)
    container.start()
    process = container.exec(Process(args=("/bin/true",), cwd="/"), stdio=Stdio.null())
    assert process.wait(30).code == 0
    container.delete(force=True)
