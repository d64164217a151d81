"""The built-in image ``host``: a copy-on-write view of the machine's own root, so that a container needs no image at all."""

from __future__ import annotations

import json
import os
import shutil

from pycontainerd.images.image import Image, image_of
from pycontainerd.images.platforms import Platform, platform_of

REFERENCE = "host:latest"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "riscv64": "riscv64",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "armv7l": "arm",
}


def architecture() -> str:
    """This machine's, in the words of the image specification (GOARCH)."""
    machine = os.uname().machine
    return _ARCHITECTURES.get(machine, machine)


def platform() -> Platform:
    """This machine's."""
    return platform_of("linux", os.uname().machine)


def host_image() -> Image:
    """The image. Its id depends on nothing but the machine's architecture and its shell."""
    shell = "/bin/bash" if shutil.which("/bin/bash") else "/bin/sh"
    document = {
        "architecture": architecture(),
        "os": "linux",
        "config": {"Env": [f"PATH={_PATH}"], "Cmd": [shell]},
        "rootfs": {"type": "layers", "diff_ids": []},
        "history": [{"comment": "a copy-on-write view of the machine's own root", "empty_layer": True}],
    }
    return image_of(json.dumps(document, sort_keys=True), (), 0, (REFERENCE,))
