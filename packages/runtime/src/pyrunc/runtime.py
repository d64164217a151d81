"""Runtime: makes containers below one root directory, and finds them again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from pyrunc import statedir
from pyrunc.cgroups import cgroup_for, place
from pyrunc.container import Container
from pyrunc.errors import ContainerNotFound, HookFailed, SpecError, StateError
from pyrunc.facts import Facts
from pyrunc.jsontext import dumps
from pyrunc.model import evolve, frozen
from pyrunc.signals import SIGKILL
from pyrunc.state import CREATING, STOPPED, Record, State
from pyrunc.statedir import CONFIG, STATE, StateDirectory, check_id
from pyrunc.stdio import Stdio
from pyrunc.tracing import span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike
    from typing import Literal

    from pyrunc.cgroups.driver import Cgroup
    from pyrunc.compile import Compiled
    from pyrunc.compile.root_mount import RootMount
    from pyrunc.criu.options import RestoreOptions
    from pyrunc.making import Made
    from pyrunc.plan import Plan
    from pyrunc.spec import Hook, Spec

DEFAULT_ROOT = "/run/pyrunc"


@frozen(kw_only=True)
class _Creation:
    """One create, as it was asked for; ``bundle`` is absolute, ``document`` is what ``spec`` was read from, or its JSON."""

    id: str
    bundle: str
    spec: Spec
    document: bytes
    cgroup: Cgroup
    stdio: Stdio
    monitor: bool
    root_mounts: tuple[RootMount, ...]
    root_tree: int | None
    console_socket: str | None
    preserve_fds: int
    no_pivot: bool
    no_new_keyring: bool
    init: bool

    @property
    def rootfs(self) -> str:
        path = self.spec.root.path if self.spec.root is not None else ""
        return os.path.normpath(os.path.join(self.bundle, path))

    def record(self, compiled: Compiled | None = None) -> Record:
        """``compiled``: what is made of it, if that is not done by somebody else."""
        linux, hooks = self.spec.linux, self.spec.hooks
        rdt: tuple[str, ...] = ()
        if compiled is not None and compiled.rdt is not None:
            from pyrunc.resctrl import created

            rdt = created(compiled.rdt)
        return Record(
            oci_version=self.spec.oci_version,
            id=self.id,
            bundle=self.bundle,
            rootfs=self.rootfs,
            created_ns=time.time_ns(),
            annotations=self.spec.annotations,
            cgroup=self.cgroup.path,
            unit=self.cgroup.unit_name,
            own_pids=linux is not None and linux.makes("pid"),
            hooks=hooks is not None and bool(hooks.poststart or hooks.poststop),
            rdt=rdt,
            init=self.init,
            operations=0 if compiled is None else len(compiled.plan.operations),
        )


class Runtime:
    """The containers below ``root``, one directory each. Any number of objects and processes may use the same root at once.

    ``cgroup_manager``: ``cgroupfs`` makes cgroups in the mounted hierarchies; ``systemd`` asks systemd for a scope for each
    container, and takes ``linux.cgroupsPath`` as ``slice:prefix:name``; ``disabled`` makes none, and refuses limits.
    """

    def __init__(
        self,
        root: str | PathLike[str] = DEFAULT_ROOT,
        *,
        cgroup_manager: Literal["cgroupfs", "systemd", "disabled"] = "cgroupfs",
    ) -> None:
        if cgroup_manager not in ("cgroupfs", "systemd", "disabled"):
            raise ValueError(f"cgroup manager {cgroup_manager!r} is not known: cgroupfs, systemd or disabled")
        self.root = os.path.abspath(os.fspath(root))
        self.cgroup_manager = cgroup_manager

    def __repr__(self) -> str:
        return f"<Runtime {self.root}>"

    # -- making -----------------------------------------------------------------------------------------------------------------

    def create(
        self,
        id: str,
        bundle: str | PathLike[str],
        *,
        spec: Spec | None = None,
        stdio: Stdio | None = None,
        monitor: bool = False,
        root_mounts: Sequence[RootMount] = (),
        root_tree: int | None = None,
        console_socket: str | PathLike[str] | None = None,
        preserve_fds: int = 0,
        no_pivot: bool = False,
        no_new_keyring: bool = False,
        init: bool = False,
    ) -> Container:
        """Make a container that waits for ``start`` (runtime.md, Create).

        ``spec``: instead of ``config.json`` of the bundle. ``stdio``: Stdio.inherit() by default. ``monitor``: a small process stays
        with the container, keeps its stdio and writes down how it ends; without one the container is the caller's child.
        ``root_mounts`` make the root file system inside the container's own mount namespace, on the path of ``root.path``.
        ``root_tree``: a detached mount (open_tree(2), fsmount(2)) that is to be the root in place of all that; for what a container with a user
        namespace has no right to mount, such as idmapped layers. The descriptor stays the caller's to close.
        ``init`` leaves a process 1 in front of the program that passes signals on to it and reaps orphans, as ``docker run --init``.
        ``console_socket`` gets the master of the terminal. Descriptors 3 to 2 + ``preserve_fds`` are passed on to the program.

        Raises SpecError, Unsupported, InvalidId, ContainerExists, CgroupError, HookFailed, ExecutableNotFound, ExecutableNotPermitted,
        OperationFailed, LaunchFailed; then nothing of the container is left.
        """
        with span("runtime", "create"):
            check_id(id)
            spec, document = _dumped(spec) if spec is not None else _read(bundle)
            creation = _Creation(
                id=id,
                bundle=os.path.abspath(os.fspath(bundle)),
                spec=spec,
                document=document,
                cgroup=self._cgroup(spec, id),
                stdio=stdio or Stdio.inherit(),
                monitor=monitor,
                root_mounts=tuple(root_mounts),
                root_tree=root_tree,
                console_socket=None if console_socket is None else os.fspath(console_socket),
                preserve_fds=preserve_fds,
                no_pivot=no_pivot,
                no_new_keyring=no_new_keyring,
                init=init,
            )
            with span("runtime", "compile"):
                compiled = _compile(creation)
            return self._create(creation, compiled)

    def _create(self, creation: _Creation, compiled: Compiled) -> Container:
        cgroup = creation.cgroup
        record = creation.record(compiled)
        with StateDirectory.create(self.root, creation.id) as directory, ExitStack() as undo:
            undo.callback(directory.remove)
            undo.push(_poststop_after_hooks(creation, record))
            _write_down(directory, creation, record)
            with span("runtime", "cgroups"):
                undo.callback(cgroup.remove)
                cgroup.prepare()
                linux = creation.spec.linux
                cgroup.limit(linux.resources if linux is not None else None)
            made = _launch(creation, compiled, record, directory, undo)
            cgroup.settle()
            record = evolve(record, main=made.record)
            directory.write(STATE, record.encode())
            undo.pop_all()
            return Container(self.root, record, directory.identity, made.streams)

    def restore(
        self,
        id: str,
        bundle: str | PathLike[str],
        image_path: str | PathLike[str],
        *,
        spec: Spec | None = None,
        stdio: Stdio | None = None,
        monitor: bool = False,
        root_mounts: Sequence[RootMount] = (),
        options: RestoreOptions | None = None,
    ) -> Container:
        """Make a container out of what ``Container.checkpoint`` has written to ``image_path``; it runs when this returns.

        ``bundle`` and ``spec`` are those that it was made of, with the same mounts; its root file system must be as it was. ``stdio``, ``monitor`` and
        ``root_mounts`` are as for ``create``; without a monitor the container is the caller's child. Hooks are not run. Raises what ``create`` does, StateError for other images, MissingLibrary without criu, and
        CriuFailed with what criu said; then nothing of the container is left.
        """
        from pyrunc.criu.options import RestoreOptions
        from pyrunc.criu.restore import Restoring, restore
        from pyrunc.processes import end
        from pyrunc.stdio import connect, kept

        with span("runtime", "restore"):
            creation = self._plain_creation(check_id(id), bundle, spec)
            record = creation.record()
            linux, cgroup = creation.spec.linux, creation.cgroup
            with StateDirectory.create(self.root, id) as directory, ExitStack() as undo, ExitStack() as opened:
                undo.callback(directory.remove)
                directory.write(CONFIG, creation.document)
                directory.write(STATE, record.encode())
                undo.callback(cgroup.remove)
                cgroup.prepare()
                cgroup.limit(linux.resources if linux is not None else None)
                ends = connect(stdio or Stdio.inherit(), opened)
                wanted = Restoring(
                    record=record,
                    spec=creation.spec,
                    cgroup=cgroup,
                    images=os.path.abspath(os.fspath(image_path)),
                    ends=ends,
                    monitored=monitor,
                    root_mounts=tuple(root_mounts),
                    options=options or RestoreOptions(),
                )
                main = restore(directory, wanted)
                for one in (main.monitor, main.process):  # undone in the opposite order
                    if one is not None:
                        undo.callback(end, one)
                cgroup.settle()
                record = evolve(record, main=main)
                directory.write(STATE, record.encode())
                undo.pop_all()
                return Container(self.root, record, directory.identity, None if monitor else kept(ends))

    def _plain_creation(self, id: str, bundle: str | PathLike[str], spec: Spec | None) -> _Creation:
        """Without anything that only a new container can have."""
        spec, document = _dumped(spec) if spec is not None else _read(bundle)
        return _Creation(
            id=id,
            bundle=os.path.abspath(os.fspath(bundle)),
            spec=spec,
            document=document,
            cgroup=self._cgroup(spec, id),
            stdio=Stdio.null(),
            monitor=False,
            root_mounts=(),
            root_tree=None,
            console_socket=None,
            preserve_fds=0,
            no_pivot=False,
            no_new_keyring=False,
            init=False,
        )

    def plan(self, bundle: str | PathLike[str], *, spec: Spec | None = None, id: str = "container") -> Plan:
        """What ``create`` would do, without doing any of it. Raises SpecError, Unsupported, CgroupError."""
        return _compile(self._plain_creation(check_id(id), bundle, spec)).plan

    def _cgroup(self, spec: Spec, id: str) -> Cgroup:
        if self.cgroup_manager == "disabled":
            return cgroup_for("", ())
        wanted = spec.linux.cgroups_path if spec.linux is not None else ""
        if self.cgroup_manager == "systemd":
            return _systemd_cgroup(wanted, id, spec)
        return cgroup_for(place(wanted, id), Facts.probe().hierarchies)

    # -- finding ----------------------------------------------------------------------------------------------------------------

    def get(self, id: str) -> Container:
        """The container with this id, whoever made it. Raises ContainerNotFound, InvalidId, and StateError if its record is damaged."""
        with StateDirectory.open(self.root, id) as directory:
            return self._container(directory)

    def _container(self, directory: StateDirectory) -> Container:
        file = f"{directory.path}/{STATE}"
        try:
            record = Record.decode(directory.read(STATE), file)
        except FileNotFoundError:
            if directory.busy():
                raise ContainerNotFound(directory.id) from None
            raise StateError(
                file, "is missing: create was killed; delete the container to be rid of the rest"
            ) from None
        return Container(self.root, record, directory.identity)

    def ids(self) -> list[str]:
        """The names of all containers, also of those whose record is damaged; sorted."""
        return statedir.ids(self.root)

    def list(self) -> list[State]:
        """The states of all containers, by id. Those that vanish meanwhile, and damaged ones (``ids`` has them), are left out."""
        states = []
        for name in self.ids():
            try:
                states.append(self.get(name).state())
            except (ContainerNotFound, StateError):
                continue
        return states

    def delete(self, id: str, *, force: bool = False) -> None:
        """As Container.delete, by name; also removes what ``get`` cannot read: the rest of a create that was killed, and with ``force``
        a container with a damaged record. Raises ContainerNotFound, InvalidState, StateError, CgroupError."""
        try:
            container = self.get(id)
        except StateError:
            self._delete_damaged(id, force=force)
        else:
            container.delete(force=force)

    def _delete_damaged(self, id: str, *, force: bool) -> None:
        """All that is sure is the name: processes are looked for in the cgroup that its config.json, or the lack of one, leads to."""
        from pyrunc.teardown import release_unrecorded

        with StateDirectory.open(self.root, id) as directory:
            directory.lock()
            if directory.exists(STATE) and not force:
                raise StateError(
                    f"{directory.path}/{STATE}", "is damaged; delete the container with force to be rid of it"
                )
            cgroup = self._salvage(directory)
            release_unrecorded(directory.descriptor)
            cgroup.remove()
            directory.remove()

    def _salvage(self, directory: StateDirectory) -> Cgroup:
        from pyrunc.spec import Spec

        try:
            spec = Spec.load(directory.read(CONFIG))
        except (SpecError, OSError):
            spec = Spec(oci_version="1.0.0")
        cgroup = self._cgroup(spec, directory.id)
        if cgroup.path:
            cgroup.kill(SIGKILL)
        return cgroup


def _read(bundle: str | PathLike[str]) -> tuple[Spec, bytes]:
    """The bundle's config.json, and its text, which is kept as it is: dumping it again would take as long as reading it."""
    from pyrunc.spec import Spec

    try:
        with open(os.path.join(bundle, CONFIG), "rb") as file:
            document = file.read()
    except OSError as error:
        raise SpecError("", f"cannot be read: {error}") from error
    return Spec.load(document), document


def _systemd_cgroup(wanted: str, id: str, spec: Spec) -> Cgroup:
    """Raises Unsupported where systemd is not running, SpecError for a path that is not ``slice:prefix:name`` or an annotation for systemd."""
    from pyrunc.cgroups import systemd_cgroup
    from pyrunc.cgroups.systemd_annotations import properties
    from pyrunc.cgroups.systemd_bus import running
    from pyrunc.cgroups.systemd_units import unit_for
    from pyrunc.errors import Unsupported

    if not running():
        raise Unsupported(
            "cgroup manager 'systemd'", "systemd does not run on this machine: use the cgroup manager 'cgroupfs'"
        )
    resources = spec.linux.resources if spec.linux is not None else None
    extra = tuple(properties(spec.annotations))
    return systemd_cgroup(unit_for(wanted, id), Facts.probe().hierarchies, resources, extra)


def _dumped(spec: Spec) -> tuple[Spec, bytes]:
    return spec, dumps(spec.to_json()).encode()


def _compile(creation: _Creation) -> Compiled:
    from pyrunc.compile.container import compile as compile_container
    from pyrunc.seccomp import assemble

    return compile_container(
        creation.spec,
        Facts.probe(),
        id=creation.id,
        bundle=creation.bundle,
        cgroups=creation.cgroup.hierarchies(),
        assemble=assemble,
        root_mounts=creation.root_mounts,
        root_tree=creation.root_tree is not None,
        no_pivot=creation.no_pivot,
        no_new_keyring=creation.no_new_keyring,
        preserve_fds=creation.preserve_fds,
        init=creation.init,
    )


def _write_down(directory: StateDirectory, creation: _Creation, record: Record) -> None:
    """Before anything else is made: whatever a killed create leaves can be found and removed."""
    directory.write(CONFIG, creation.document)
    directory.write(STATE, record.encode())
    directory.make_gate()


def _launch(
    creation: _Creation, compiled: Compiled, record: Record, directory: StateDirectory, undo: ExitStack
) -> Made:
    from pyrunc.making import Connections, make, uid_outside
    from pyrunc.slots import Openers

    process = creation.spec.process
    wanted = Connections(
        stdio=creation.stdio,
        terminal=process is not None and process.terminal,
        console_socket=creation.console_socket,
        preserve_fds=creation.preserve_fds,
        monitor=directory.descriptor if creation.monitor else None,
        owner=None if process is None else uid_outside(process, creation.spec.linux),
    )
    return make(
        compiled,
        Openers(directory, creation.cgroup, root=creation.root_tree),
        wanted,
        undo,
        label=creation.id,
        on_sync=_run_hooks(creation, record),
        on_listener=_send_listener(creation, record),
    )


def _run_hooks(creation: _Creation, record: Record) -> Callable[[str, int], None]:
    """For the launch: the hooks of the point at which the container process has stopped."""

    def run(point: str, pid: int) -> None:
        from pyrunc.hooks import run_hooks

        hooks: dict[str, tuple[Hook, ...]] = {}
        if creation.spec.hooks is not None:
            hooks = {"prestart": creation.spec.hooks.prestart, "createRuntime": creation.spec.hooks.create_runtime}
        state = record.state(CREATING, pid)
        with span("runtime", f"hooks.{point}"):
            run_hooks(hooks.get(point, ()), f"hooks.{point}", dumps(state.to_json()))

    return run


def _poststop_after_hooks(creation: _Creation, record: Record) -> Callable[..., None]:
    """The last of what undoes a create that a hook has stopped: the hooks of poststop, as after delete (runtime.md, Lifecycle)."""

    def undone(kind: type[BaseException] | None, *_: object) -> None:
        hooks = creation.spec.hooks
        if kind is None or hooks is None or not hooks.poststop or not issubclass(kind, HookFailed):
            return
        from logging import getLogger

        from pyrunc.hooks import run_all_hooks

        state = dumps(record.state(STOPPED, 0).to_json())
        for failure in run_all_hooks(hooks.poststop, "hooks.poststop", state):
            getLogger("pyrunc").warning("%s: %s", creation.id, failure)

    return undone


def _send_listener(creation: _Creation, record: Record) -> Callable[[int, int], None] | None:
    """For the launch: the agent gets what the filter asks by."""
    seccomp = creation.spec.linux.seccomp if creation.spec.linux is not None else None
    if seccomp is None or not seccomp.listener_path:
        return None

    def send(listener: int, pid: int) -> None:
        from pyrunc.making import send_listener

        send_listener(seccomp, listener, record.state(CREATING, pid), pid)

    return send
