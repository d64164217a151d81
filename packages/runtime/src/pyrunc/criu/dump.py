"""``Container.checkpoint``: a container's processes into criu's images."""

from __future__ import annotations

import os

from pyrunc.criu.images import outside
from pyrunc.criu.program import run
from pyrunc.errors import Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyrunc.cgroups.driver import Cgroup
    from pyrunc.criu.options import CheckpointOptions
    from pyrunc.spec import Spec
    from pyrunc.state import Record


def checkpoint(record: Record, spec: Spec, images: str, options: CheckpointOptions, frozen: Cgroup | None) -> None:
    """``frozen``: the cgroup, if it is. Raises CriuFailed, MissingLibrary, Unsupported, OSError; the container runs on then."""
    assert record.main is not None
    pid = record.main.process.pid
    if record.main.terminal and not options.shell_job:
        raise Unsupported(
            "process.terminal",
            "this version cannot give a terminal back to a restored container: checkpoint it without",
        )
    os.makedirs(images, 0o700, exist_ok=True)
    work = options.work_path or images
    os.makedirs(work, 0o700, exist_ok=True)
    found = outside(pid, bind_sources(spec, record.bundle))
    arguments = [
        *("--tree", str(pid), "--root", record.rootfs),
        *options.arguments(),
        *_freezer(frozen),
        *([] if options.pre_dump else found.dump_arguments()),
        *([] if options.pre_dump else _namespaces(spec)),
    ]
    passed = (options.status_fd,) if options.status_fd >= 0 else ()
    run(options.program, "pre-dump" if options.pre_dump else "dump", arguments, images=images, work=work, passed=passed)
    if not options.pre_dump:
        found.save(images)


def _freezer(frozen: Cgroup | None) -> tuple[str, ...]:
    """criu can stop the processes of a frozen cgroup only if it knows of it."""
    if frozen is None:
        return ()
    places = frozen.paths()
    return ("--freeze-cgroup", places["freezer"] if "freezer" in places else places[""])


def bind_sources(spec: Spec, bundle: str) -> dict[str, str]:
    """Where the bind mounts of a specification come from, by mount point."""
    return {
        os.path.normpath("/" + mount.destination.lstrip("/")): os.path.normpath(os.path.join(bundle, mount.source))
        for mount in spec.mounts
        if mount.source and ({"bind", "rbind"} & set(mount.options) or mount.type == "bind")
    }


def _namespaces(spec: Spec) -> Iterator[str]:
    """Namespaces of others are not the checkpoint's business: only their names are in it."""
    for kind, word, label in SHARED:
        namespace = spec.linux.namespace(kind) if spec.linux is not None else None
        if namespace is not None and namespace.path:
            yield from ("--external", f"{word}[{os.stat(namespace.path).st_ino}]:{label}")


SHARED = (("network", "net", "extRootNetNS"), ("pid", "pid", "extRootPidNS"))
"""Kinds of namespaces that criu can leave out, its words for them, and the names that runc gives them."""
