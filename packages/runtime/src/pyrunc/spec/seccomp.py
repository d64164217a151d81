"""``linux.seccomp`` (config-linux.md, Seccomp): which system calls the container may make."""

from __future__ import annotations

from pyrunc.model import field, frozen
from pyrunc.spec.read import STRING, UINT32, UINT64, each, expected, integer, of, one_of, read_strings
from pyrunc.spec.section import Section, sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Action = Literal[
        "SCMP_ACT_KILL",
        "SCMP_ACT_KILL_PROCESS",
        "SCMP_ACT_KILL_THREAD",
        "SCMP_ACT_TRAP",
        "SCMP_ACT_ERRNO",
        "SCMP_ACT_TRACE",
        "SCMP_ACT_ALLOW",
        "SCMP_ACT_LOG",
        "SCMP_ACT_NOTIFY",
    ]
    Operator = Literal[
        "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"
    ]
    Flag = Literal[
        "SECCOMP_FILTER_FLAG_TSYNC",
        "SECCOMP_FILTER_FLAG_LOG",
        "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
    ]

# The same words for reading: typing, which could take the types apart, is not imported at run time.
ACTIONS = (
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_TRAP",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_TRACE",
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_LOG",
    "SCMP_ACT_NOTIFY",
)
OPERATORS = (
    *("SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"),
)
FLAGS = (
    "SECCOMP_FILTER_FLAG_TSYNC",
    "SECCOMP_FILTER_FLAG_LOG",
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
)
ARCHITECTURES = (
    *(
        "SCMP_ARCH_X86",
        "SCMP_ARCH_X86_64",
        "SCMP_ARCH_X32",
        "SCMP_ARCH_ARM",
        "SCMP_ARCH_AARCH64",
        "SCMP_ARCH_LOONGARCH64",
    ),
    *("SCMP_ARCH_M68K", "SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL"),
    *("SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC", "SCMP_ARCH_PPC64", "SCMP_ARCH_PPC64LE"),
    *("SCMP_ARCH_S390", "SCMP_ARCH_S390X", "SCMP_ARCH_SH", "SCMP_ARCH_SHEB", "SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64"),
    "SCMP_ARCH_RISCV64",
)

ACTION = of(one_of(*ACTIONS))
FLAG_LIST = of(each(one_of(*FLAGS)))


def read_names(value: object, path: str) -> tuple[str, ...]:
    """At least one name."""
    names = read_strings(value, path)
    if not names:
        raise expected("at least one system call", value, path)
    return names


@frozen(kw_only=True, eq=False, repr=False)
class Argument(Section):
    """A comparison of one of the six arguments; with SCMP_CMP_MASKED_EQ ``value`` is the mask and ``value_two`` is compared."""

    index: int = field(metadata=of(integer(0, 5)))
    value: int = field(metadata=UINT64)
    value_two: int = field(default=0, metadata=UINT64)
    op: Operator = field(metadata=of(one_of(*OPERATORS)))


@frozen(kw_only=True, eq=False, repr=False)
class Syscall(Section):
    """``action`` for every one of ``names``, if all of ``args`` hold; names unknown to the machine are passed over."""

    names: tuple[str, ...] = field(metadata=of(read_names))
    action: Action = field(metadata=ACTION)
    errno_ret: int | None = field(default=None, metadata=UINT32)
    args: tuple[Argument, ...] = field(default=(), metadata=sections(Argument))


@frozen(kw_only=True, eq=False, repr=False)
class Seccomp(Section):
    """``default_action`` for whatever no rule names. ``flags`` None takes the runtime's own default (SPEC_ALLOW, as runc)."""

    default_action: Action = field(metadata=ACTION)
    default_errno_ret: int | None = field(default=None, metadata=UINT32)
    architectures: tuple[str, ...] = field(default=(), metadata=of(each(one_of(*ARCHITECTURES))))
    flags: tuple[Flag, ...] | None = field(default=None, metadata=FLAG_LIST)
    listener_path: str = field(default="", metadata=STRING)
    listener_metadata: str = field(default="", metadata=STRING)
    syscalls: tuple[Syscall, ...] = field(default=(), metadata=sections(Syscall))

    @property
    def notifies(self) -> bool:
        """Whether any action asks a supervisor (seccomp_unotify(2)), so that a listener is needed."""
        return any(action == "SCMP_ACT_NOTIFY" for action in (self.default_action, *(s.action for s in self.syscalls)))
