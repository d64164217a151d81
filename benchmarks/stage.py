"""What one run of the benchmarks shares: a directory, a name, the compiled programs, a bundle."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import evolve, frozen

from benchmarks.programs import compile_bare, compile_static
from pyrunc.facts import Facts
from pyrunc.seccomp import default_profile
from pyrunc.spec import Spec
from pyrunc.spec.resources import Cpu, DeviceRule, Memory, Pids, Resources

_MOUNT_POINTS = ("proc", "dev", "sys")
_LIMITS = Resources(
    devices=(DeviceRule(allow=False, access="rwm"),),
    memory=Memory(limit=256 << 20),
    cpu=Cpu(shares=512, quota=50_000, period=100_000),
    pids=Pids(limit=100),
)


@frozen
class Stage:
    """``directory`` has a short path, for sockets; ``name`` is new in each run and in every cgroup and container of it."""

    directory: Path
    name: str

    @property
    def rootfs(self) -> Path:
        """/true, /wait, and the places where everyone mounts."""
        return self.directory / "rootfs"

    @property
    def floor_program(self) -> Path:
        return self.directory / "floor"

    def bundle(self, program: str, owner: str = "all") -> Path:
        """A bundle that runs ``program`` in all namespaces but user, with limits and docker's seccomp profile.

        All bundles have one root file system; those of one ``owner`` have one cgroup, and so cannot run at the same time.
        """
        directory = self.directory / f"bundle-{program}-{owner}"
        directory.mkdir(exist_ok=True)
        (directory / "config.json").write_text(json.dumps(self._spec(program, f"/{self.name}-{owner}").to_json()))
        return directory

    def _spec(self, program: str, cgroup: str) -> Spec:
        spec, facts = Spec.default(), Facts.probe()
        assert spec.process is not None
        assert spec.process.capabilities is not None
        assert spec.linux is not None
        assert spec.root is not None
        profile = default_profile(spec.process.capabilities.bounding, facts.machine, facts.kernel)
        return evolve(
            spec,
            oci_version="1.0.2",  # crun of Debian 12 refuses later ones
            process=evolve(spec.process, terminal=False, args=(f"/{program}",)),
            root=evolve(spec.root, path=str(self.rootfs)),
            linux=evolve(spec.linux, cgroups_path=cgroup, resources=_LIMITS, seccomp=profile),
        )


@contextmanager
def stage() -> Iterator[Stage]:
    """Make the directory and what is in it; remove it in the end."""
    directory = Path(tempfile.mkdtemp(prefix="b."))
    try:
        made = Stage(directory, f"pyrunc-bench-{uuid.uuid4().hex[:12]}")
        for name in _MOUNT_POINTS:
            (made.rootfs / name).mkdir(parents=True)
        for program in ("true", "wait"):
            compile_bare(program, made.rootfs / program)
        compile_static("floor", made.floor_program)
        yield made
    finally:
        _refuse_if_mounted(directory)
        shutil.rmtree(directory)


def _refuse_if_mounted(directory: Path) -> None:
    """Removing a tree with something mounted in it would remove what is mounted."""
    mounts = Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines()
    if left := [line for line in mounts if f" {os.fspath(directory)}/" in line]:
        raise RuntimeError(f"mounts were left behind: {left}")
