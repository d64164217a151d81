"""A Plan as something to read: what will be done to the machine, in order, and which line of config.json asked for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import asdict

from pyrunc import plan as op
from pyrunc.model import fields
from pyrunc.plan import Operation, Plan

_MOUNT_ATTRIBUTES = {
    0x1: "ro",
    0x2: "nosuid",
    0x4: "nodev",
    0x8: "noexec",
    0x10: "noatime",
    0x20: "strictatime",
    0x80: "nodiratime",
    0x200000: "nosymfollow",
}
_ATIME = 0x70
_NAMESPACES = {
    0x00020000: "mount",
    0x02000000: "cgroup",
    0x04000000: "uts",
    0x08000000: "ipc",
    0x10000000: "user",
    0x20000000: "pid",
    0x40000000: "network",
    0x00000080: "time",
}
_PROPAGATION = {1 << 20: "shared", 1 << 19: "slave", 1 << 18: "private", 1 << 17: "unbindable", 1 << 14: "recursive"}
_SHOWN = 120


def explain(plan: Plan) -> str:
    """One numbered line for each operation: its name, its fields, and, after an arrow, its place in config.json."""
    return "".join(f"{line}\n" for line in _lines(plan))


def explain_json(plan: Plan) -> list[dict[str, object]]:
    """The operations as JSON objects: ``operation``, ``path`` and the fields; masks stay numbers, a program is its length."""
    return [
        {"operation": type(operation).__name__, **{key: _json(value) for key, value in asdict(operation).items()}}
        for operation in plan.operations
    ]


def summary(operation: Operation) -> str:
    """The operation in a few words, for an error: ``tmpfs on /dev/shm``, ``bind /srv on /data``, ``sethostname web``."""
    for kind, words in _SUMMARIES.items():
        if isinstance(operation, kind):
            return words(operation)
    return _words(type(operation).__name__)


def _lines(plan: Plan) -> Iterator[str]:
    width = len(str(len(plan.operations)))
    for index, operation in enumerate(plan.operations):
        fields = " ".join(f"{name}={text}" for name, text in _fields(operation))
        origin = f"  ← {operation.path}" if operation.path else ""
        yield f"{index:>{width}}  {type(operation).__name__} {fields}".rstrip() + origin


def _fields(operation: Operation) -> Iterator[tuple[str, str]]:
    """The fields that say something: those at their defaults are left out."""
    for attribute in fields(operation):
        value = getattr(operation, attribute.name)
        if attribute.name != "path" and value != attribute.default:
            text = _field(operation, attribute.name, value)
            yield attribute.name, text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _field(operation: Operation, name: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return _number(operation, name, value)
    if isinstance(value, bytes):
        return f"<{len(value) // 8} instructions>"
    if isinstance(value, tuple):
        return "[" + ", ".join(_text(item) if isinstance(item, str) else str(item) for item in value) + "]"
    return _text(str(value))


def _number(operation: Operation, name: str, value: int) -> str:
    if isinstance(operation, op.SetNs | op.Clone | op.Unshare) and name in {"flags", "kind"}:
        return _mask(value, _NAMESPACES)
    if name == "propagation" or isinstance(operation, op.SetPropagation | op.RootPropagation):
        return _mask(value, _PROPAGATION)
    if name in {"attributes", "set_attributes", "recursive_set"}:
        return _mask(value, _MOUNT_ATTRIBUTES)
    if name in {"clear_attributes", "recursive_clear"}:
        return _cleared(value)
    if isinstance(operation, op.DropBounding | op.SetCapabilities):
        return _capabilities(value)
    if name in {"mode", "mask"}:
        return f"{value:#o}"
    return str(value)


def _mask(value: int, names: dict[int, str]) -> str:
    words = [word for bit, word in names.items() if value & bit]
    rest = value & ~sum(names)  # no two names share a bit
    return ",".join([*words, *([hex(rest)] if rest else [])]) or "none"


def _cleared(value: int) -> str:
    """Like _mask, but the field of access time settings, which is only ever cleared as a whole, is one word."""
    rest = value & ~_ATIME
    words = ["atime"] if value & _ATIME else []
    return ",".join([*words, _mask(rest, _MOUNT_ATTRIBUTES)] if rest else words)


def _capabilities(mask: int) -> str:
    from pyrunc.capabilities import names_of

    return ",".join(name.removeprefix("CAP_").lower() for name in names_of(mask)) or "none"


def _text(value: str) -> str:
    plain = value and value.isprintable() and not any(character in value for character in " ,\"'[]")
    return value if plain else repr(value)


def _json(value: object) -> object:
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else value


def _words(name: str) -> str:
    """``SetHostname`` → ``set hostname``."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


def _on(what: str, target: str) -> str:
    return f"{what} on {target}"


_SUMMARIES: dict[type[Operation], Callable[..., str]] = {
    op.SetNs: lambda o: f"join {_mask(o.kind, _NAMESPACES)} namespace",
    op.Clone: lambda o: f"clone with new {_mask(o.flags, _NAMESPACES)} namespaces" if o.flags else "clone",
    op.Unshare: lambda o: f"unshare {_mask(o.flags, _NAMESPACES)} namespace",
    op.Hook: lambda o: f"hook {o.program}",
    op.MountAt: lambda o: _on(o.fstype, o.source),
    op.OpenRoot: lambda o: f"root {o.source}",
    op.AttachRoot: lambda _: "root of the caller's",
    op.Mount: lambda o: _on(o.fstype, o.target),
    op.Bind: lambda o: _on(f"bind {o.source}", o.target),
    op.Remount: lambda o: f"remount {o.target}",
    op.MountCgroups: lambda o: _on("cgroup", o.target),
    op.Mkdev: lambda o: f"device {o.target}",
    op.Symlink: lambda o: f"symlink {o.target} to {o.link}",
    op.MaskPath: lambda o: f"mask {o.target}",
    op.ReadonlyPath: lambda o: f"make {o.target} read-only",
    op.SetHostname: lambda o: f"sethostname {o.name}",
    op.SetDomainname: lambda o: f"setdomainname {o.name}",
    op.WriteProc: lambda o: f"write {o.value!r} to /proc/{o.name}",
    op.Chdir: lambda o: f"chdir {o.directory}",
    op.FindExecutable: lambda o: f"find {o.name}",
    op.BeBorn: lambda _: "go on as a process of the container",
    op.ExecVe: lambda o: f"exec {o.argv[0] if o.argv else ''}",
}
