"""compile: a specification into the Plan of a container. The order of the concerns is runc's, and is all that is decided here.

Concerns of which few containers have anything are imported for those.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pyrunc import plan as op
from pyrunc.compile import namespaces, process, rootfs, security
from pyrunc.compile.compiled import Compiled, Gate, RdtGroup, Report
from pyrunc.compile.devices import devices
from pyrunc.compile.mounts import mounts
from pyrunc.compile.network import moved_devices, network
from pyrunc.compile.request import Assemble, Request, Slots
from pyrunc.compile.root_mount import RootMount
from pyrunc.errors import SpecError
from pyrunc.facts import Facts
from pyrunc.plan import Operation, Plan
from pyrunc.spec import Linux, Spec
from pyrunc.spec.check import check


def compile(  # noqa: A001 - the word for it, and what the builtin does with a program, too
    spec: Spec,
    facts: Facts,
    *,
    id: str,
    bundle: str,
    cgroups: Mapping[str, str],
    assemble: Assemble,
    root_mounts: Sequence[RootMount] = (),
    root_tree: bool = False,
    no_pivot: bool = False,
    no_new_keyring: bool = False,
    preserve_fds: int = 0,
    init: bool = False,
) -> Compiled:
    """The Plan of a container that waits for ``start``, and the descriptors that it is to be launched with.

    ``bundle`` is absolute. ``cgroups`` maps the hierarchies to join (``Hierarchy.name``) to the container's directory in each, in
    the order of joining; empty where cgroups are disabled. ``assemble`` turns linux.seccomp into a program (``pyrunc.seccomp``).
    ``init``: process 1 stays in front of the program, passes signals on and reaps. ``root_tree``: the root is a mount of the caller's.

    Raises SpecError where the specification contradicts itself, and Unsupported where this host or pyrunc cannot do what it says.
    """
    check(spec)
    if spec.process is None:
        raise SpecError("process", "is required")
    request = Request(
        spec=spec,
        linux=spec.linux or Linux(),
        process=spec.process,
        facts=facts,
        id=id,
        bundle=bundle,
        cgroups=cgroups,
        assemble=assemble,
        root_mounts=tuple(root_mounts),
        root_tree=root_tree,
        no_pivot=no_pivot,
        no_new_keyring=no_new_keyring,
        preserve_fds=preserve_fds,
        init=init,
    )
    security.check_labels(request)
    slots = Slots()
    operations = (*_isolate(request, slots), *_build_root(request, slots), *_confine(request), *_run(request, slots))
    return Compiled(Plan(operations), slots.requests, net_devices=moved_devices(request), rdt=_group(request))


def _group(request: Request) -> RdtGroup | None:
    if request.linux.intel_rdt is None:
        return None
    from pyrunc.compile.rdt import rdt_group

    return rdt_group(request.linux, request.facts.resctrl, request.id)


def _isolate(request: Request, slots: Slots) -> Iterator[Operation]:
    yield from namespaces.join_namespaces(request, slots)
    yield namespaces.clone(request, slots)
    yield from namespaces.enter(request, slots)
    yield from security.keyring(request)
    yield from network(request)
    if request.linux.intel_rdt is not None:
        from pyrunc.compile.rdt import enter_group

        yield from enter_group(request)


def _build_root(request: Request, slots: Slots) -> Iterator[Operation]:
    yield from rootfs.open_root(request, slots)
    yield from mounts(request, slots)
    yield from devices(request)
    if request.spec.hooks is not None:
        from pyrunc.compile.hooks import hooks_before_pivot

        yield from hooks_before_pivot(request)
    yield from rootfs.enter_root(request)
    yield from process.console(request.process, bind_console=True)
    yield from rootfs.close_root(request)


def _confine(request: Request) -> Iterator[Operation]:
    yield process.umask(request.process)
    if request.spec.hostname:
        yield op.SetHostname(path="hostname", name=request.spec.hostname)
    if request.spec.domainname:
        yield op.SetDomainname(path="domainname", name=request.spec.domainname)
    if request.linux.sysctl:
        from pyrunc.compile.sysctl import sysctls

        yield from sysctls(request)
    yield from rootfs.hide_paths(request)
    yield from process.scheduling(request)
    yield from process.limits(request)
    yield from security.labels(request)
    # Again, now that masks are in place: what was entered before one was put over it would still be reachable through ".".
    yield op.Chdir(path="process.cwd", directory=request.process.cwd)
    yield op.CloseFds(keep=request.preserve_fds)
    yield from security.drop_privileges(request)


def _run(request: Request, slots: Slots) -> Iterator[Operation]:
    yield process.find_executable(request.process)
    yield from security.filter_last(request)
    yield op.WaitStart(gate=slots.add(Gate()), report=slots.add(Report()))
    if request.spec.hooks is not None:
        from pyrunc.compile.hooks import hooks_at_start

        yield from hooks_at_start(request)
    if request.init:
        yield op.StayAsInit()
    yield process.execute(request.process)
