"""What the figures were measured on: hardware, kernel, versions. No names of hosts and no paths."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from attrs import asdict, frozen

_VERSIONS = {
    "runc": ("runc", "--version"),
    "crun": ("crun", "--version"),
    "containerd": ("containerd", "--version"),
    "dockerd": ("dockerd", "--version"),
    "docker CLI": ("docker", "--version"),
}


@frozen
class Machine:
    """One machine, as far as it decides the figures."""

    processors: int
    processor: str
    memory_mib: int
    kernel: str
    system: str
    cgroups: str
    python: str
    versions: dict[str, str]

    @classmethod
    def here(cls) -> Machine:
        return cls(
            processors=len(os.sched_getaffinity(0)),
            processor=_field("/proc/cpuinfo", "model name"),
            memory_mib=int(_field("/proc/meminfo", "MemTotal").split()[0]) // 1024,
            kernel=".".join(re.findall(r"\d+", platform.release())[:2]),
            system=platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
            cgroups=_cgroups(),
            python=platform.python_version(),
            versions={name: _version(command) for name, command in _VERSIONS.items() if shutil.which(command[0])},
        )

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    def sentence(self) -> str:
        """For people."""
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return (
            f"{self.processors} CPUs ({self.processor}), {self.memory_mib / 1024:.1f} GiB, Linux {self.kernel}, {self.system}, "
            f"cgroups {self.cgroups}, Python {self.python}; {versions}"
        )


def _field(file: str, name: str) -> str:
    for line in Path(file).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def _cgroups() -> str:
    if Path("/sys/fs/cgroup/cgroup.controllers").exists():
        return "v2"
    return "hybrid" if Path("/sys/fs/cgroup/unified").exists() else "v1"


def _version(command: tuple[str, ...]) -> str:
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d+\.\d+(\.\d+)?\S*", said)
    return found.group().rstrip(",") if found else "unknown"
