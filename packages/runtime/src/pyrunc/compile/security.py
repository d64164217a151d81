"""Confinement: labels of security modules, no-new-privileges, the system call filter, capabilities and ids, in runc's order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pyrunc import plan as op
from pyrunc.capabilities import NAMES
from pyrunc.compile.namespaces import denies_setgroups
from pyrunc.compile.request import Request
from pyrunc.errors import SpecError, Unsupported
from pyrunc.plan import Operation
from pyrunc.spec import Capabilities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrunc.spec import Seccomp

_FLAGS = {
    "SECCOMP_FILTER_FLAG_TSYNC": 1 << 0,
    "SECCOMP_FILTER_FLAG_LOG": 1 << 1,
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 1 << 2,
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": 1 << 5,
}
_CAPABILITY_NUMBERS = {name: number for number, name in enumerate(NAMES)}
_NEW_LISTENER = 1 << 3
_TSYNC_ESRCH = 1 << 4


def check_labels(request: Request) -> None:
    """Raise Unsupported for a label that no security module of this kernel would enforce: to ignore it would be to drop a wall."""
    needs = {
        "process.apparmorProfile": ("apparmor", _profile(request)),
        "process.selinuxLabel": ("selinux", request.process.selinux_label),
        "linux.mountLabel": ("selinux", request.linux.mount_label),
    }
    for path, (module, value) in needs.items():
        if value and module not in request.facts.lsm:
            raise Unsupported(path, f"{module} is not enabled in this kernel")


def _profile(request: Request) -> str:
    profile = request.process.apparmor_profile
    return "" if profile == "unconfined" else profile


def labels(request: Request) -> Iterator[Operation]:
    """What the next exec runs under."""
    if _profile(request):
        yield op.LsmLabel(path="process.apparmorProfile", attribute="apparmor/exec", value=f"exec {_profile(request)}")
    if request.process.selinux_label:
        yield op.LsmLabel(path="process.selinuxLabel", attribute="exec", value=request.process.selinux_label)


def keyring(request: Request) -> Iterator[Operation]:
    """A session keyring named after the container, shared with its execs: the caller's keys stay outside."""
    if request.no_new_keyring or not request.facts.keyrings:
        return
    label = request.process.selinux_label
    if label:
        yield op.LsmLabel(path="process.selinuxLabel", attribute="keycreate", value=label)
    yield op.JoinSessionKeyring(path="process", name=f"_ses.{request.id}")
    if label:
        yield op.LsmLabel(path="process.selinuxLabel", attribute="keycreate", value="")


def drop_privileges(request: Request) -> Iterator[Operation]:
    """From the namespace's root to the container's user.

    Without no_new_privs only a privileged process may load a filter, so it is loaded first and has to allow what follows; with it,
    the filter comes last (``filter_last``).
    """
    process = request.process
    if process.no_new_privileges:
        yield op.NoNewPrivileges(path="process.noNewPrivileges")
    else:
        yield from _filter(request)
    # None given is none granted, as with runc: a container without the section runs without capabilities.
    capabilities = process.capabilities or Capabilities()
    yield op.DropBounding(path="process.capabilities.bounding", keep=_mask(request, capabilities.bounding, "bounding"))
    yield op.SetUser(
        path="process.user",
        uid=process.user.uid,
        gid=process.user.gid,
        groups=process.user.additional_gids,
        set_groups=not denies_setgroups(request),
    )
    yield _set_capabilities(request, capabilities)


def filter_last(request: Request) -> Iterator[Operation]:
    """The system call filter of a process with no_new_privs: after it only reading, writing and executing happen."""
    if request.process.no_new_privileges:
        yield from _filter(request)


def mask_of(names: Iterable[str], path: str, last: int = len(NAMES) - 1) -> int:
    """The mask of ``names``; those that the kernel has not got yet (numbers above ``last``) are left out, as runc does.

    Raises SpecError naming the first unknown name and its place below ``path``.
    """
    mask = 0
    for index, name in enumerate(names):
        number = _CAPABILITY_NUMBERS.get(name)
        if number is None:
            raise SpecError(f"{path}[{index}]", f'unknown capability "{name}"', name)
        mask |= 1 << number if number <= last else 0
    return mask


def _mask(request: Request, names: tuple[str, ...], kind: str) -> int:
    return mask_of(names, f"process.capabilities.{kind}", request.facts.last_capability)


def _set_capabilities(request: Request, capabilities: Capabilities) -> op.SetCapabilities:
    permitted = _mask(request, capabilities.permitted, "permitted")
    effective = _mask(request, capabilities.effective, "effective")
    inheritable = _mask(request, capabilities.inheritable, "inheritable")
    if effective & ~permitted:
        raise SpecError("process.capabilities.effective", "must be part of process.capabilities.permitted")
    # The kernel raises an ambient capability only if it is permitted and inheritable; runc drops the others silently, and what
    # its own "runc spec" prints depends on that.
    ambient = _mask(request, capabilities.ambient, "ambient") & permitted & inheritable
    return op.SetCapabilities(
        path="process.capabilities", effective=effective, permitted=permitted, inheritable=inheritable, ambient=ambient
    )


def _filter(request: Request) -> Iterator[Operation]:
    seccomp = request.linux.seccomp
    if seccomp is None or _allows_all(seccomp):
        return
    if not request.facts.seccomp:
        raise Unsupported("linux.seccomp", "this kernel has no seccomp filters (CONFIG_SECCOMP_FILTER)")
    yield op.LoadSeccomp(
        path="linux.seccomp",
        program=request.assemble(seccomp),
        flags=_filter_flags(seccomp),
        listener=seccomp.notifies,
    )


def _allows_all(seccomp: Seccomp) -> bool:
    return seccomp.default_action == "SCMP_ACT_ALLOW" and all(
        call.action == "SCMP_ACT_ALLOW" for call in seccomp.syscalls
    )


def _filter_flags(seccomp: Seccomp) -> int:
    """Where none are given, SPEC_ALLOW, as runc: without it, filtered programs lose up to a third of their speed on some CPUs."""
    names = ("SECCOMP_FILTER_FLAG_SPEC_ALLOW",) if seccomp.flags is None else seccomp.flags
    flags = sum({_FLAGS[name] for name in names})
    if seccomp.notifies:
        flags |= _NEW_LISTENER | (_TSYNC_ESRCH if flags & _FLAGS["SECCOMP_FILTER_FLAG_TSYNC"] else 0)
    return flags
