"""Builds the two compiled parts of pyrunc: the cffi extension and the static program pyrunc-init.

Everything else about the package is in pyproject.toml. Both parts come from the same C sources, below src/pyrunc/native.
"""

import os
import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "src" / "pyrunc"
sys.path.insert(0, str(PACKAGE / "native"))

from build import init_command  # noqa: E402  (the build description lives beside the sources it describes)


class BuildNative(build_ext):
    """build_ext that also links pyrunc-init and puts it into the package as data.

    It belongs to build_ext and not to build_py because editable installs run exactly this command in place.
    """

    def run(self) -> None:
        super().run()
        root = PACKAGE if self.inplace or self.editable_mode else Path(self.build_lib) / "pyrunc"
        target = root / "_bin" / "pyrunc-init"
        target.parent.mkdir(parents=True, exist_ok=True)
        # Linked beside the target and renamed: a running container's binary is never written to (ETXTBSY).
        fresh = target.with_suffix(f".{os.getpid()}")
        subprocess.run(init_command(fresh), check=True)
        fresh.replace(target)


setup(
    cffi_modules=["src/pyrunc/native/build.py:ffi"],
    cmdclass={"build_ext": BuildNative},
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
