# ruff: noqa: N818 - errors are named for what happened, in the field's own words: ContainerNotFound, ProcessGone
"""What can go wrong in pyrunc, as one tree.

    PyruncError
    ├── SpecError                   config.json (or an argument like it) breaks a rule; names the path
    ├── Unsupported                 the specification allows it, this kernel or this runtime cannot do it; names the field
    ├── InvalidId                   a name that cannot be a container's or an exec's
    ├── ContainerExists             the id is in use
    ├── ContainerNotFound           no container has this id
    ├── ExecNotFound                no exec process of the container has this id
    ├── InvalidState                the container is not in a state that allows this (start of a running one …)
    ├── StateError                  what lies in the state directory cannot be read; never guessed at
    ├── CgroupError                 a cgroup could not be made, limited, joined or removed; names the field
    ├── MissingLibrary              a system library is not installed; names the Debian package
    ├── CriuFailed                  criu could not checkpoint or restore; names its log
    ├── UsageError                  the command line breaks a rule
    ├── ProcessGone                 the process ended before it could be asked
    └── LaunchFailed                no process came to be
        ├── HookFailed              a hook program failed, so the container was not made or not started
        └── OperationFailed         one operation of the plan failed; names its place in config.json and the errno
            ├── ExecutableNotFound      the command does not exist (a shell's 127)
            └── ExecutableNotPermitted  the command cannot be executed (a shell's 126)

Every error carries ``exit_code``, what a command that stops on it exits with: 1 as runc does, except where shells have a convention.
"""

from __future__ import annotations

from errno import EACCES, ECANCELED, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOEXEC, ENOTDIR, EPERM, ETIMEDOUT, errorcode
from os import strerror

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from pyrunc.plan import Hook, Operation


class PyruncError(Exception):
    """Base of everything that pyrunc raises on purpose."""

    exit_code: ClassVar[int] = 1


class SpecError(PyruncError):
    """The specification breaks a rule.

    ``path`` is the place (``linux.resources.memory.limit``; empty for the document itself), ``rule`` what is expected there,
    and ``value`` what was found.
    """

    def __init__(self, path: str, rule: str, value: object = None) -> None:
        super().__init__(path, rule, value)
        self.path = path
        self.rule = rule
        self.value = value

    def __str__(self) -> str:
        return f"{self.path or 'config.json'}: {self.rule}"


class Unsupported(PyruncError):
    """``field`` asks for something that this kernel or this version of pyrunc cannot do; ``reason`` says which."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


class InvalidId(PyruncError):
    """An id that is empty, too long, ``.`` or ``..``, or has a character other than letters, digits, ``_+-.``."""

    def __init__(
        self, id: str, rule: str = "letters, digits and _+-. are allowed, and it must not be empty, . or .."
    ) -> None:
        super().__init__(id, rule)
        self.id = id
        self.rule = rule

    def __str__(self) -> str:
        return f"invalid id {self.id!r}: {self.rule}"


class ContainerExists(PyruncError):
    """A container with this id exists already."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id

    def __str__(self) -> str:
        return f"container {self.id!r} already exists: choose another id, or delete it first"


class ContainerNotFound(PyruncError):
    """There is no container with this id below the runtime's root."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id

    def __str__(self) -> str:
        return f"container {self.id!r} does not exist"


class ExecNotFound(PyruncError):
    """The container has no exec process with this id."""

    def __init__(self, id: str, exec_id: str) -> None:
        super().__init__(id, exec_id)
        self.id = id
        self.exec_id = exec_id

    def __str__(self) -> str:
        return f"container {self.id!r} has no exec process {self.exec_id!r}"


class InvalidState(PyruncError):
    """``action`` is not possible while the container ``id`` is ``status``."""

    def __init__(self, id: str, status: str, action: str) -> None:
        super().__init__(id, status, action)
        self.id = id
        self.status = status
        self.action = action

    def __str__(self) -> str:
        return f"cannot {self.action} container {self.id!r}: it is {self.status}"


class StateError(PyruncError):
    """A file of the state directory is damaged or from another version."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(file, reason)
        self.file = file
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


class CgroupError(PyruncError):
    """``field`` (a path of the specification, or a cgroup's directory) could not be put into force; ``reason`` says why."""

    def __init__(self, field: str, reason: str, errno: int = 0) -> None:
        super().__init__(field, reason, errno)
        self.field = field
        self.reason = reason
        self.errno = errno

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}" + (f": {describe_errno(self.errno)}" if self.errno else "")


class MissingLibrary(PyruncError):
    """The shared library ``library`` cannot be loaded; ``package`` is the Debian package that has it, ``purpose`` what needs it."""

    def __init__(self, library: str, package: str, purpose: str) -> None:
        super().__init__(library, package, purpose)
        self.library = library
        self.package = package
        self.purpose = purpose

    def __str__(self) -> str:
        return f"{self.purpose} needs {self.library}: install the package {self.package}"


class CriuFailed(PyruncError):
    """criu's ``action`` (dump, pre-dump, restore) failed for ``reason``; ``log`` is the file in which it tells all."""

    def __init__(self, action: str, log: str, reason: str) -> None:
        super().__init__(action, log, reason)
        self.action = action
        self.log = log
        self.reason = reason

    def __str__(self) -> str:
        return f"criu {self.action} failed: {self.reason}; see {self.log}"


class UsageError(PyruncError):
    """The command line asks for something that makes no sense, or that the command does not know."""


class ProcessGone(PyruncError):
    """The process has ended, so there is nothing left to start, signal or ask."""


class LaunchFailed(PyruncError):
    """No process came to be: the C core could not be started, or ended without saying why."""


class HookFailed(LaunchFailed):
    """The hook at ``path`` (``hooks.createRuntime[0]``) failed; ``output`` is what it wrote."""

    def __init__(self, path: str, program: str, reason: str, output: str = "") -> None:
        super().__init__(path, program, reason, output)
        self.path = path
        self.program = program
        self.reason = reason
        self.output = output

    def __str__(self) -> str:
        told = f": {self.output.strip()}" if self.output.strip() else ""
        return f"{self.path} {self.program}: {self.reason}{told}"

    @staticmethod
    def inside(operation: Hook, errno: int, detail: str) -> HookFailed:
        """For one that ran in the container's namespaces. The C core says how it ended, and then what it wrote."""
        if errno == ETIMEDOUT:
            return HookFailed(
                operation.path, operation.program, f"took longer than {operation.timeout} seconds", detail
            )
        if errno == ECANCELED:
            how, _, output = detail.partition(": ")
            return HookFailed(operation.path, operation.program, how, output)
        return HookFailed(operation.path, operation.program, f"could not be run: {describe_errno(errno)}", detail)


class OperationFailed(LaunchFailed):
    """Operation ``index`` of the plan failed with ``errno`` (0: no system call was to blame); ``detail`` is the C core's word on it.

    ``mounts[3] tmpfs on /dev/shm: EPERM (Operation not permitted)``
    """

    def __init__(self, index: int, operation: Operation, errno: int, detail: str = "") -> None:
        super().__init__(index, operation, errno, detail)
        self.index = index
        self.operation = operation
        self.errno = errno
        self.detail = detail

    def __str__(self) -> str:
        from pyrunc.explain import summary

        where = f"{self.operation.path} " if self.operation.path else ""
        what = describe_errno(self.errno) if self.errno else ""
        return f"{where}{summary(self.operation)}: " + ": ".join(part for part in (what, self.detail) if part)

    @staticmethod
    def of(index: int, operation: Operation, errno: int, detail: str = "") -> LaunchFailed:
        """The fitting class for what ``pyrunc-init`` reported: a missing command is told apart from a failed mount, and from a hook."""
        from pyrunc.plan import ExecVe, FindExecutable, Hook

        if isinstance(operation, Hook):
            return HookFailed.inside(operation, errno, detail)
        if isinstance(operation, FindExecutable | ExecVe):
            if errno in _MISSING:
                return ExecutableNotFound(index, operation, errno, detail)
            if errno in _NOT_PERMITTED:
                return ExecutableNotPermitted(index, operation, errno, detail)
        return OperationFailed(index, operation, errno, detail)


class _ExecutableFailed(OperationFailed):
    """Worded as runc words it, because the clients of runc look for this text."""

    @property
    def name(self) -> str:
        """The command as it was given."""
        from pyrunc.plan import ExecVe, FindExecutable

        if isinstance(self.operation, FindExecutable):
            return self.operation.name
        return self.operation.argv[0] if isinstance(self.operation, ExecVe) and self.operation.argv else ""

    def __str__(self) -> str:
        if self.errno == ENOENT and "/" not in self.name:
            return f'exec: "{self.name}": executable file not found in $PATH'
        about = f"stat {self.name}: " if self.errno in _MISSING else ""
        return f'exec: "{self.name}": {about}{strerror(self.errno).lower()}'


class ExecutableNotFound(_ExecutableFailed):
    """``exec: "foo": executable file not found in $PATH``."""

    exit_code = 127


class ExecutableNotPermitted(_ExecutableFailed):
    """``exec: "/etc/passwd": permission denied``."""

    exit_code = 126


_MISSING = frozenset({ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG})
_NOT_PERMITTED = frozenset({EACCES, EPERM, EISDIR, ENOEXEC})


def describe_errno(errno: int) -> str:
    """``EPERM (Operation not permitted)``."""
    return f"{errorcode.get(errno, f'errno {errno}')} ({strerror(errno)})"
