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
from pydockerd.models.system import (
    AddressPoolInfo,
    Commit,
    Component,
    IndexInfo,
    Info,
    Plugins,
    RegistryConfig,
    RuntimePath,
    Version,
)
from pydockerd.models.wire import timestamp
from pydockerd.settings import Settings
from pydockerd.versions import NEWEST, OLDEST


def version(engine: Engine) -> Version:
    """The versions of the stack."""
    details = {
        "ApiVersion": str(NEWEST),
        "MinAPIVersion": str(OLDEST),
        "Arch": engine.architecture,
        "Os": "linux",
        "KernelVersion": machine.kernel_version(),
        "PythonVersion": platform.python_version(),
        "Experimental": "true" if engine.settings.experimental else "false",
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
        experimental=engine.settings.experimental,
        kernel_version=machine.kernel_version(),
    )


def info(engine: Engine) -> Info:
    """The daemon's state and the machine's."""
    settings = engine.settings
    states = Counter(container.info().status for container in engine.supervisor.containers.list())
    name, release = machine.operating_system()
    return Info(
        id=identity(engine),
        containers=states.total(),
        containers_running=states[Status.RUNNING],
        containers_paused=states[Status.PAUSED],
        containers_stopped=states.total() - states[Status.RUNNING] - states[Status.PAUSED],
        images=len(engine.supervisor.images.list()),
        driver=settings.storage_driver,
        driver_status=(("Supports d_type", "true"), ("userxattr", "false")),
        docker_root_dir=str(settings.data_root),
        plugins=Plugins(authorization=settings.authorization_plugins or None),
        swap_limit=machine.swap_is_limited(),
        oom_kill_disable=machine.cgroup_version() == "1",
        ipv4_forwarding=machine.forwards_ipv4(),
        debug=settings.debug,
        n_fd=machine.open_descriptors(),
        n_goroutines=len(asyncio.all_tasks()),
        system_time=timestamp(datetime.now(UTC)),
        logging_driver=settings.defaults.log_driver,
        n_events_listener=engine.event_listeners,
        cgroup_version=machine.cgroup_version(),
        kernel_version=machine.kernel_version(),
        operating_system=name,
        os_version=release,
        architecture=platform.machine(),
        registry_config=_registries(settings),
        ncpu=engine.facts.cpus,
        mem_total=machine.memory_total(),
        name=platform.node(),
        labels=settings.labels,
        experimental_build=settings.experimental,
        server_version=__version__,
        runtimes={"pyrunc": RuntimePath(path="pyrunc")},
        default_runtime=settings.defaults.runtime,
        init_binary="pyrunc-init",
        containerd_commit=Commit(id=_version_of("pycontainerd")),
        runc_commit=Commit(id=_version_of("pyrunc")),
        security_options=_security_options(engine),
        cdi_spec_dirs=tuple(map(str, settings.cdi_spec_dirs)) if settings.has_feature("cdi", True) else (),
        default_address_pools=tuple(
            AddressPoolInfo(base=str(pool.base), size=pool.size) for pool in settings.network.default_address_pools
        ),
        warnings=_warnings(settings) or None,
    )


def _registries(settings: Settings) -> RegistryConfig:
    networks = [text for text in settings.insecure_registries if "/" in text]
    hosts = [text for text in settings.insecure_registries if "/" not in text]
    hub = IndexInfo(name="docker.io", mirrors=settings.registry_mirrors, secure=True, official=True)
    return RegistryConfig(
        insecure_registry_cidrs=(*networks, "127.0.0.0/8", "::1/128"),
        index_configs={
            "docker.io": hub,
            **{host: IndexInfo(name=host, secure=False, official=False) for host in hosts},
        },
        mirrors=settings.registry_mirrors,
    )


def _warnings(settings: Settings) -> tuple[str, ...]:
    """What an administrator should know, in dockerd's words."""
    said = [] if machine.swap_is_limited() else ["WARNING: No swap limit support"]
    for address in settings.hosts if not settings.tls.verify else ():
        if address.startswith("tcp://") and settings.tls.enabled is False:
            said.append(
                f"WARNING: API is accessible on http://{address.removeprefix('tcp://')} without encryption.\n"
                "         Access to the remote API is equivalent to root access on the host."
            )
        elif address.startswith("tcp://"):
            said.append(
                f"WARNING: API is accessible on https://{address.removeprefix('tcp://')} without TLS client verification.\n"
                "         Access to the remote API is equivalent to root access on the host."
            )
    return tuple(said)


def _security_options(engine: Engine) -> tuple[str, ...]:
    """In docker's order."""
    facts, defaults = engine.facts, engine.settings.defaults
    found = {
        "apparmor": facts.apparmor,
        f"seccomp,profile={defaults.seccomp_profile or 'builtin'}": True,
        "selinux": facts.selinux,
        "userns": facts.users is not None,
        "cgroupns": True,
        "no-new-privileges": defaults.no_new_privileges,
    }
    return tuple(f"name={name}" for name, has in found.items() if has)


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
