"""compile_exec: one more process, into a container that runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pyrunc import plan as op
from pyrunc.compile import namespaces, security
from pyrunc.compile.compiled import CgroupDirectory, Compiled, ContainerProcess
from pyrunc.compile.process import (
    console,
    execute,
    find_executable,
    limits,
    parse_cpus,
    scheduling,
    umask,
)
from pyrunc.compile.request import Assemble, Request, Slots
from pyrunc.facts import Facts
from pyrunc.plan import NO_SLOT, Operation, Plan
from pyrunc.spec import Linux, Process, Spec
from pyrunc.spec.check import check_ids, check_process


def compile_exec(
    process: Process,
    spec: Spec,
    facts: Facts,
    *,
    id: str,
    cgroups: Mapping[str, str],
    assemble: Assemble,
    kinds: int | None = None,
    no_new_keyring: bool = False,
    preserve_fds: int = 0,
) -> Compiled:
    """The Plan of ``process`` in the running container ``id`` that was made from ``spec``.

    ``process`` stands for itself: nothing is inherited from ``spec.process`` (a command line that wants that copies it).
    ``kinds`` is the mask of the CLONE_NEW* namespaces to join; by default all that ``spec`` lists. A user namespace must only be
    among them if the container's differs from the caller's: the kernel refuses to join one's own.
    """
    check_process(process)
    check_ids(process, spec.linux or Linux())
    request = Request(
        spec=spec,
        linux=spec.linux or Linux(),
        process=process,
        facts=facts,
        id=id,
        bundle="",
        cgroups=cgroups,
        assemble=assemble,
        no_new_keyring=no_new_keyring,
        preserve_fds=preserve_fds,
    )
    security.check_labels(request)
    slots = Slots()
    return Compiled(Plan(tuple(_operations(request, slots, kinds))), slots.requests)


def namespace_kinds(linux: Linux) -> int:
    """The mask of all namespaces that a container has of its own or was given."""
    return sum(namespaces.KINDS[namespace.type] for namespace in linux.namespaces)


def _operations(request: Request, slots: Slots, kinds: int | None) -> Iterator[Operation]:
    mask = namespace_kinds(request.linux) if kinds is None else kinds
    if mask:
        yield op.SetNs(path="linux.namespaces", slot=slots.add(ContainerProcess()), kind=mask)
    cgroup = slots.add(CgroupDirectory()) if _clones_into_cgroup(request) else NO_SLOT
    yield op.Clone(path="linux.namespaces", flags=0, cgroup=cgroup)
    yield from _enter(request, slots)
    yield from security.keyring(request)
    yield from console(request.process, bind_console=False)
    yield umask(request.process)
    yield from scheduling(request)
    yield from limits(request)
    yield from security.labels(request)
    yield op.Chdir(path="process.cwd", directory=request.process.cwd)
    yield op.CloseFds(keep=request.preserve_fds)
    yield from security.drop_privileges(request)
    yield find_executable(request.process)
    yield from security.filter_last(request)
    if _could_be_changed(request, mask):
        yield op.BeBorn(path="linux.namespaces", keep=request.preserve_fds, terminal=request.process.terminal)
    yield execute(request.process)


def _could_be_changed(request: Request, kinds: int) -> bool:
    """Whether somebody in the container may look into any process that he sees: who joins must not be seen as long as he has more than they have.

    A user namespace is a wall before that, and without a pid namespace of its own a container with this right sees the whole machine anyway.
    """
    first = request.spec.process
    held = first.capabilities.bounding if first is not None and first.capabilities is not None else ()
    given = request.process.capabilities.bounding if request.process.capabilities is not None else ()
    return (
        "CAP_SYS_PTRACE" in {*held, *given}
        and bool(kinds & namespaces.KINDS["pid"])
        and not request.in_user_namespace
        and not request.facts.rootless
    )


def _clones_into_cgroup(request: Request) -> bool:
    """Whether clone3(CLONE_INTO_CGROUP) does it, which the kernel refuses from within a joined cgroup namespace (nsdelegate).

    The process of an exec joins that namespace only after it was cloned, unless the caller has no rights of its own. What it is to
    run on before it is moved (execCPUAffinity.initial) can only be set by a move that comes later.
    """
    affinity = request.process.exec_cpu_affinity
    early = affinity is not None and bool(affinity.initial)
    return "" in request.cgroups and not request.facts.rootless and not early


def _enter(request: Request, slots: Slots) -> Iterator[Operation]:
    """Into the cgroups, its session, and its rights as the root of the container's user namespace."""
    affinity = request.process.exec_cpu_affinity
    if affinity is not None and affinity.initial:
        path = "process.execCPUAffinity.initial"
        yield op.SetAffinity(path=path, cpus=parse_cpus(affinity.initial, path))
    yield from namespaces.join_cgroups(request, slots, cloned_into=_clones_into_cgroup(request))
    if affinity is not None and affinity.final:
        path = "process.execCPUAffinity.final"
        yield op.SetAffinity(path=path, cpus=parse_cpus(affinity.final, path))
    if request.in_user_namespace:
        yield op.BecomeRoot(path="linux.namespaces")
    yield op.SetSid(path="process")
