"""What the daemon says of itself and its machine."""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
from collections import Counter
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from pycontainerd.containers.info import Status
from pydockerd import __version__
from pydockerd.engine import Engine
from pydockerd.host import machine
from pydockerd.models.system import Commit, Component, Info, RuntimePath, Version
from pydockerd.models.wire import timestamp
from pydockerd.versions import NEWEST, OLDEST
from pydockerd.views.container import DRIVER


def version(engine: Engine) -> Version:
    """The versions of the stack."""
    details = {
        "ApiVersion": str(NEWEST),
        "MinAPIVersion": str(OLDEST),
        "Arch": engine.architecture,
        "Os": "linux",
        "KernelVersion": machine.kernel_version(),
        "PythonVersion": platform.python_version(),
        "Experimental": "false",
        "GitCommit": "",
        "GoVersion": "",
        "BuildTime": "",
    }
    return Version(
        components=(
            Component(name="Engine", version=__version__, details=details),
            Component(name="pycontainerd", version=_version_of("pycontainerd"), details={"GitCommit": ""}),
            Component(name="pyrunc", version=_version_of("pyrunc"), details={"GitCommit": ""}),
        ),
        version=__version__,
        api_version=str(NEWEST),
        min_api_version=str(OLDEST),
        arch=engine.architecture,
        kernel_version=machine.kernel_version(),
    )


def info(engine: Engine) -> Info:
    """The daemon's state and the machine's."""
    states = Counter(container.info().status for container in engine.supervisor.containers.list())
    name, release = machine.operating_system()
    return Info(
        id=identity(engine),
        containers=states.total(),
        containers_running=states[Status.RUNNING],
        containers_paused=states[Status.PAUSED],
        containers_stopped=states.total() - states[Status.RUNNING] - states[Status.PAUSED],
        images=len(engine.supervisor.images.list()),
        driver=DRIVER,
        driver_status=(("Supports d_type", "true"), ("userxattr", "false")),
        docker_root_dir=str(engine.settings.data_root),
        swap_limit=machine.swap_is_limited(),
        oom_kill_disable=machine.cgroup_version() == "1",
        ipv4_forwarding=machine.forwards_ipv4(),
        debug=engine.settings.debug,
        n_fd=machine.open_descriptors(),
        n_goroutines=len(asyncio.all_tasks()),
        system_time=timestamp(datetime.now(UTC)),
        cgroup_version=machine.cgroup_version(),
        kernel_version=machine.kernel_version(),
        operating_system=name,
        os_version=release,
        architecture=platform.machine(),
        ncpu=engine.facts.cpus,
        mem_total=machine.memory_total(),
        name=platform.node(),
        server_version=__version__,
        runtimes={"pyrunc": RuntimePath(path="pyrunc")},
        containerd_commit=Commit(id=_version_of("pycontainerd")),
        runc_commit=Commit(id=_version_of("pyrunc")),
        security_options=_security_options(engine),
        cdi_spec_dirs=tuple(str(directory) for directory in engine.settings.cdi_spec_dirs),
    )


def _security_options(engine: Engine) -> tuple[str, ...]:
    users = ("name=userns",) if engine.facts.users is not None else ()
    return ("name=seccomp,profile=builtin", *users, "name=cgroupns")


def identity(engine: Engine) -> str:
    """The same for a data root on one machine, and for no other."""
    machine_id = Path("/etc/machine-id")
    seed = machine_id.read_text() if machine_id.exists() else platform.node()
    digest = hashlib.sha256(f"{seed}:{os.path.realpath(engine.settings.data_root)}".encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"


def _version_of(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "unknown"
