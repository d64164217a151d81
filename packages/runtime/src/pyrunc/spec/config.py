"""Spec: a whole config.json of the OCI runtime-spec (1.x, all fields of Linux up to 1.3), immutable.

A few lines make one that works::

    spec = Spec.default().with_args("sh", "-c", "echo hi").with_root("/srv/alpine").with_env(LANG="C.UTF-8")

and ``attrs.evolve`` changes anything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike

from pyrunc.errors import SpecError
from pyrunc.jsontext import loads
from pyrunc.model import evolve, field, frozen
from pyrunc.spec.linux import Linux, Namespace
from pyrunc.spec.mounts import IdMapping, Mount
from pyrunc.spec.process import Process, User
from pyrunc.spec.read import STRING, STRING_MAP, expected, of, read_string
from pyrunc.spec.resources import Cpu, Memory, Pids, Resources
from pyrunc.spec.root import Root
from pyrunc.spec.section import Section, lazy, section, sections
from pyrunc.version import OCI_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyrunc.spec.hooks import Hooks
    from pyrunc.spec.linux import NamespaceType

_CPU_PERIOD = 100_000
"""Microseconds, the kernel's own."""


def read_version(value: object, path: str) -> str:
    """Any 1.x: minor versions only add. What a later one added is kept among the unknown fields."""
    version = read_string(value, path)
    numbers = version.split("-")[0].split("+")[0].split(".")
    if len(numbers) != 3 or not all(number.isascii() and number.isdigit() for number in numbers):
        raise expected(f'a version such as "{OCI_VERSION}"', value, path)
    if int(numbers[0]) != 1:
        raise expected("a 1.x version of the runtime-spec", value, path)
    return version


@frozen(kw_only=True, eq=False, repr=False)
class Spec(Section):
    """config.json. ``Spec.load`` checks it: types, ranges, and that its parts do not contradict each other."""

    oci_version: str = field(metadata=of(read_version))
    process: Process | None = field(default=None, metadata=section(Process))
    root: Root | None = field(default=None, metadata=section(Root))
    hostname: str = field(default="", metadata=STRING)
    domainname: str = field(default="", metadata=STRING)
    mounts: tuple[Mount, ...] = field(default=(), metadata=sections(Mount))
    hooks: Hooks | None = field(default=None, metadata=lazy("hooks", "Hooks"))
    linux: Linux | None = field(default=None, metadata=section(Linux))
    annotations: Mapping[str, str] = field(factory=dict, metadata=STRING_MAP)

    @classmethod
    def load(cls, source: str | PathLike[str] | bytes | Mapping[str, Any]) -> Spec:
        """Read and check a config.json: a file's path, its bytes, or the object already decoded.

        Raises SpecError naming the place and the rule.
        """
        from pyrunc.spec.check import check

        spec = cls.from_json(source if isinstance(source, Mapping) else _decoded(source))
        check(spec)
        return spec

    @classmethod
    def default(cls) -> Spec:
        """What ``pyrunc spec`` prints: a shell in ``rootfs``, isolated, with a terminal, as ``runc spec`` has it."""
        from pyrunc.spec.default import default_linux, default_mounts, default_process

        return cls(
            oci_version=OCI_VERSION,
            process=default_process(),
            root=Root(path="rootfs", readonly=True),
            hostname="pyrunc",
            mounts=default_mounts(),
            linux=default_linux(),
        )

    @classmethod
    def rootless(cls, uid: int, gid: int) -> Spec:
        """The same for a user who is not root: in a user namespace, as ``runc spec --rootless`` has it."""
        from pyrunc.spec.default import rootless_linux, rootless_mounts

        return evolve(cls.default(), mounts=rootless_mounts(), linux=rootless_linux(uid, gid))

    def with_process(self, **changes: Any) -> Spec:
        """The same with fields of ``process`` changed (names as in Process)."""
        return evolve(self, process=evolve(self.process or Process(cwd="/"), **changes))

    def with_linux(self, **changes: Any) -> Spec:
        """The same with fields of ``linux`` changed (names as in Linux)."""
        return evolve(self, linux=evolve(self.linux or Linux(), **changes))

    def with_args(self, *args: str, terminal: bool = False) -> Spec:
        """The same with another command; without a terminal unless asked for."""
        return self.with_process(args=args, terminal=terminal)

    def with_env(self, **variables: str) -> Spec:
        """The same with these environment variables set or replaced."""
        kept = (
            tuple(entry for entry in self.process.env if entry.split("=", 1)[0] not in variables)
            if self.process
            else ()
        )
        return self.with_process(env=(*kept, *(f"{name}={value}" for name, value in variables.items())))

    def with_user(self, uid: int, gid: int, additional_gids: tuple[int, ...] = ()) -> Spec:
        """The same run as another user; the capabilities stay as they are."""
        return self.with_process(user=User(uid=uid, gid=gid, additional_gids=additional_gids))

    def with_root(self, path: str | PathLike[str], *, readonly: bool = False) -> Spec:
        """The same on another root file system."""
        return evolve(self, root=Root(path=str(path), readonly=readonly))

    def with_mount(self, destination: str, type: str, source: str = "", options: tuple[str, ...] = ()) -> Spec:
        """The same with one more mount, after the others."""
        added = Mount(destination=destination, type=type, source=source or type, options=options)
        return evolve(self, mounts=(*self.mounts, added))

    def with_bind(self, destination: str, source: str | PathLike[str], *, readonly: bool = False) -> Spec:
        """The same with ``source`` of the host, file or directory and all that is mounted below, at ``destination``."""
        return self.with_mount(destination, "bind", str(source), ("rbind", "rro") if readonly else ("rbind",))

    def with_tmpfs(self, destination: str, *, size: int | None = None) -> Spec:
        """The same with an empty file system in memory, of at most ``size`` bytes."""
        limit = () if size is None else (f"size={size}",)
        return self.with_mount(destination, "tmpfs", options=("nosuid", "nodev", "mode=1777", *limit))

    def with_hostname(self, hostname: str) -> Spec:
        """The same with another name of the machine."""
        return evolve(self, hostname=hostname)

    def with_annotations(self, annotations: Mapping[str, str]) -> Spec:
        """The same with these annotations added or replaced."""
        return evolve(self, annotations={**self.annotations, **annotations})

    def with_capabilities(self, *names: str) -> Spec:
        """The same with exactly these capabilities (``CAP_NET_RAW``), also for a user who is not root; none are none."""
        from pyrunc.spec.process import Capabilities

        sets = Capabilities(bounding=names, permitted=names, effective=names, inheritable=names, ambient=names)
        return self.with_process(capabilities=sets)

    def with_hook(self, point: str, path: str, *args: str, timeout: int | None = None) -> Spec:
        """The same with one more hook at ``point``, named as in config.json (``createRuntime``). Raises ValueError for another name."""
        from pyrunc.spec.hooks import Hook, Hooks

        attribute = next((attribute for attribute, name, _, _ in Hooks.members() if name == point), None)
        if attribute is None:
            raise ValueError(f"there is no hook point {point!r}")
        hooks = self.hooks or Hooks()
        added = Hook(path=path, args=(path, *args), timeout=timeout)
        changed: dict[str, Any] = {attribute: (*getattr(hooks, attribute), added)}
        return evolve(self, hooks=evolve(hooks, **changed))

    def with_namespace(self, kind: NamespaceType, path: str = "") -> Spec:
        """The same in a namespace of its own, or, with ``path``, in one that is there (``network``, ``/run/netns/a``)."""
        return self._with_namespaces(kind, Namespace(type=kind, path=path))

    def without_namespace(self, kind: NamespaceType) -> Spec:
        """The same in the caller's namespace of this type: without ``network``, it is on the host's network."""
        return self._with_namespaces(kind)

    def _with_namespaces(self, kind: str, *added: Namespace) -> Spec:
        kept = tuple(entry for entry in (self.linux or Linux()).namespaces if entry.type != kind)
        named = self if kind != "uts" or added else evolve(self, hostname="", domainname="")
        return named.with_linux(namespaces=(*kept, *added))

    def with_user_namespace(self, uid: int, gid: int, size: int = 65536) -> Spec:
        """The same with ids 0 to ``size`` - 1 inside being ``uid`` and ``gid`` and the following outside."""
        return self.with_namespace("user").with_linux(
            uid_mappings=(IdMapping(container_id=0, host_id=uid, size=size),),
            gid_mappings=(IdMapping(container_id=0, host_id=gid, size=size),),
        )

    def with_limits(self, *, memory: int | None = None, pids: int | None = None, cpus: float | None = None) -> Spec:
        """The same with limits: ``memory`` in bytes, ``pids`` in tasks, ``cpus`` in processors' time (0.5: half of one)."""
        resources = (self.linux.resources if self.linux else None) or Resources()
        if memory is not None:
            resources = evolve(resources, memory=evolve(resources.memory or Memory(), limit=memory))
        if pids is not None:
            resources = evolve(resources, pids=Pids(limit=pids))
        if cpus is not None:
            cpu = evolve(resources.cpu or Cpu(), quota=round(cpus * _CPU_PERIOD), period=_CPU_PERIOD)
            resources = evolve(resources, cpu=cpu)
        return self.with_linux(resources=resources)


def _decoded(source: str | PathLike[str] | bytes) -> object:
    if not isinstance(source, bytes):
        try:
            with open(source, "rb") as file:
                source = file.read()
        except OSError as error:
            raise SpecError("", f"cannot be read: {error}") from error
    try:
        return loads(source)
    except RecursionError:
        raise SpecError("", "is nested too deeply") from None
    except ValueError as error:
        raise SpecError("", f"is not JSON: {error}") from error
