"""The order in which a machine inserts the kernel modules for its disks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vm.modules import ordered


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """As depmod(8) writes it: what a module needs, nearest first."""
    (tmp_path / "modules.builtin").write_text("kernel/drivers/virtio/virtio_pci.ko\n")
    (tmp_path / "modules.dep").write_text(
        "kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko kernel/fs/mbcache.ko kernel/lib/crc16.ko\n"
        "kernel/fs/jbd2/jbd2.ko: kernel/lib/crc16.ko\n"
        "kernel/fs/mbcache.ko:\n"
        "kernel/lib/crc16.ko:\n"
        "kernel/drivers/block/virtio-blk.ko: kernel/lib/crc16.ko\n"
    )
    return tmp_path


def test_what_is_needed_comes_first_and_once(kernel: Path) -> None:
    names = [path.name for path in ordered(kernel, ("virtio_pci", "virtio_blk", "ext4"))]
    assert names == ["crc16.ko", "virtio-blk.ko", "mbcache.ko", "jbd2.ko", "ext4.ko"]


def test_a_kernel_that_lacks_one(kernel: Path) -> None:
    with pytest.raises(LookupError, match="no module 9p"):
        ordered(kernel, ("ext4", "9p"))
