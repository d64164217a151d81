"""Profiles in docker's own format: one document for all machines, kernels and sets of capabilities, resolved for one of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from os import PathLike

from pyrunc.errors import SpecError
from pyrunc.facts import parse_release
from pyrunc.jsontext import loads
from pyrunc.model import field, frozen
from pyrunc.spec.read import STRING, STRINGS, UINT32, expected, mapping, of, read_string
from pyrunc.spec.seccomp import ACTION, FLAG_LIST, Argument, Seccomp, Syscall
from pyrunc.spec.section import Section, section, sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyrunc.spec import Spec

# Machines as uname(2) names them: docker's name, libseccomp's name.
_MACHINES = {
    "x86_64": ("amd64", "SCMP_ARCH_X86_64"),
    "i386": ("386", "SCMP_ARCH_X86"),
    "i686": ("386", "SCMP_ARCH_X86"),
    "aarch64": ("arm64", "SCMP_ARCH_AARCH64"),
    "armv6l": ("arm", "SCMP_ARCH_ARM"),
    "armv7l": ("arm", "SCMP_ARCH_ARM"),
    "armv8l": ("arm", "SCMP_ARCH_ARM"),
    "loongarch64": ("loong64", "SCMP_ARCH_LOONGARCH64"),
    "mips": ("mips", "SCMP_ARCH_MIPS"),
    "mips64": ("mips64", "SCMP_ARCH_MIPS64"),
    "ppc64": ("ppc64", "SCMP_ARCH_PPC64"),
    "ppc64le": ("ppc64le", "SCMP_ARCH_PPC64LE"),
    "riscv64": ("riscv64", "SCMP_ARCH_RISCV64"),
    "s390x": ("s390x", "SCMP_ARCH_S390X"),
}


def read_kernel(value: object, path: str) -> tuple[int, int]:
    """``4.8``."""
    try:
        return parse_release(read_string(value, path))
    except ValueError:
        raise expected("a kernel version such as 4.8", value, path) from None


@frozen(kw_only=True, eq=False, repr=False)
class Condition(Section):
    """``includes`` (all must hold) or ``excludes`` (none may): architectures, capabilities, a least kernel."""

    arches: tuple[str, ...] = field(default=(), metadata=STRINGS)
    caps: tuple[str, ...] = field(default=(), metadata=STRINGS)
    min_kernel: tuple[int, int] | None = field(default=None, metadata=of(read_kernel))


@frozen(kw_only=True, eq=False, repr=False)
class Rule(Section):
    """A rule of linux.seccomp with conditions. ``name`` is the older way to write ``names``."""

    names: tuple[str, ...] = field(default=(), metadata=STRINGS)
    name: str = field(default="", metadata=STRING)
    action: str = field(metadata=ACTION)
    errno_ret: int | None = field(default=None, metadata=UINT32)
    args: tuple[Argument, ...] = field(default=(), metadata=sections(Argument))
    comment: str = field(default="", metadata=STRING)
    includes: Condition = field(default=Condition(), metadata=section(Condition))
    excludes: Condition = field(default=Condition(), metadata=section(Condition))


@frozen(kw_only=True, eq=False, repr=False)
class ArchitectureEntry(Section):
    """The architectures to filter on a machine of ``architecture``."""

    architecture: str = field(metadata=STRING)
    sub_architectures: tuple[str, ...] = field(default=(), metadata=STRINGS)


@frozen(kw_only=True, eq=False, repr=False)
class Profile(Section):
    """The whole document. ``architectures`` and ``arch_map`` exclude each other."""

    default_action: str = field(metadata=ACTION)
    default_errno_ret: int | None = field(default=None, metadata=UINT32)
    architectures: tuple[str, ...] = field(default=(), metadata=STRINGS)
    arch_map: tuple[ArchitectureEntry, ...] = field(default=(), metadata=sections(ArchitectureEntry))
    flags: tuple[str, ...] | None = field(default=None, metadata=FLAG_LIST)
    listener_path: str = field(default="", metadata=STRING)
    listener_metadata: str = field(default="", metadata=STRING)
    syscalls: tuple[Rule, ...] = field(default=(), metadata=sections(Rule))


def default_profile(capabilities: Iterable[str], machine: str, kernel: tuple[int, int]) -> Seccomp:
    """Docker's default profile for a process with these capabilities (its bounding set), on ``machine`` (uname -m) and ``kernel``."""
    return _default(frozenset(capabilities), machine, kernel)


def with_default_profile(spec: Spec, machine: str | None = None, kernel: tuple[int, int] | None = None) -> Spec:
    """``spec`` with docker's default profile, for the capabilities that it has and, by default, this host."""
    from pyrunc.facts import Facts

    held = spec.process.capabilities if spec.process else None
    facts = Facts.probe()
    profile = default_profile(held.bounding if held else (), machine or facts.machine, kernel or facts.kernel)
    return spec.with_linux(seccomp=profile)


@lru_cache(maxsize=16)
def _default(capabilities: frozenset[str], machine: str, kernel: tuple[int, int]) -> Seccomp:
    return resolve(_shipped(), capabilities, machine, kernel)


@lru_cache(maxsize=1)
def _shipped() -> Profile:
    from pkgutil import get_data  # importlib.resources would take longer to import than the profile to read

    data = get_data(__package__, "default.json")
    assert data is not None
    return Profile.from_json(loads(data))


def from_docker_profile(
    source: str | PathLike[str] | bytes | Mapping[str, Any],
    capabilities: Iterable[str],
    machine: str,
    kernel: tuple[int, int],
    path: str = "seccomp",
) -> Seccomp:
    """A user's profile: its file, its bytes, or the object. Raises SpecError naming the place below ``path``."""
    if not isinstance(source, Mapping):
        source = _decoded(source, path)
    return resolve(Profile.from_json(source, path), frozenset(capabilities), machine, kernel, path)


def _decoded(source: str | PathLike[str] | bytes, path: str) -> Mapping[str, object]:
    try:
        if not isinstance(source, bytes):
            with open(source, "rb") as file:
                source = file.read()
        return mapping(loads(source), path)
    except OSError as error:
        raise SpecError(path, f"cannot be read: {error}") from error
    except (ValueError, RecursionError) as error:
        raise SpecError(path, f"is not JSON: {error}") from error


def resolve(
    profile: Profile, capabilities: frozenset[str], machine: str, kernel: tuple[int, int], path: str = "seccomp"
) -> Seccomp:
    """The rules whose conditions hold, with the architectures of ``machine``."""
    docker_name, _ = _MACHINES.get(machine, (machine, ""))
    rules = [
        _syscall(rule, f"{path}.syscalls[{index}]")
        for index, rule in enumerate(profile.syscalls)
        if _holds(rule, capabilities, docker_name, kernel)
    ]
    return Seccomp.from_json(
        {
            "defaultAction": profile.default_action,
            "defaultErrnoRet": profile.default_errno_ret,
            "architectures": _architectures(profile, machine, path),
            "flags": profile.flags,
            "listenerPath": profile.listener_path or None,
            "listenerMetadata": profile.listener_metadata or None,
            "syscalls": [rule.to_json() for rule in rules],
        },
        path,
    )


def _holds(rule: Rule, capabilities: frozenset[str], arch: str, kernel: tuple[int, int]) -> bool:
    includes, excludes = rule.includes, rule.excludes
    if (excludes.arches and arch in excludes.arches) or (includes.arches and arch not in includes.arches):
        return False
    if not capabilities.isdisjoint(excludes.caps) or not capabilities.issuperset(includes.caps):
        return False
    if includes.min_kernel is not None and kernel < includes.min_kernel:
        return False
    return excludes.min_kernel is None or kernel < excludes.min_kernel


def _syscall(rule: Rule, path: str) -> Syscall:
    if rule.name and rule.names:
        raise SpecError(path, "name and names exclude each other")
    return Syscall.from_json(
        {
            "names": rule.names or ((rule.name,) if rule.name else ()),
            "action": rule.action,
            "errnoRet": rule.errno_ret,
            "args": [argument.to_json() for argument in rule.args],
        },
        path,
    )


def _architectures(profile: Profile, machine: str, path: str) -> tuple[str, ...]:
    if profile.architectures and profile.arch_map:
        raise SpecError(f"{path}.archMap", "architectures and archMap exclude each other")
    _, native = _MACHINES.get(machine, ("", ""))
    for entry in profile.arch_map:
        if entry.architecture == native:
            return (entry.architecture, *entry.sub_architectures)
    return profile.architectures
