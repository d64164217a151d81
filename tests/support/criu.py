"""Whether CRIU can do its work here: the development machines' kernel lacks what it needs, that of the virtual machines does not."""

from __future__ import annotations

import subprocess
from shutil import which
from typing import Final

import pytest


def works() -> bool:
    """As it finds itself."""
    return which("criu") is not None and subprocess.run(["criu", "check"], capture_output=True).returncode == 0


needs_criu: Final = pytest.mark.skipif(
    not works(), reason="criu does not work on this kernel; it does in the virtual machines"
)
