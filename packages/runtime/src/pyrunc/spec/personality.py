"""``linux.personality``: which Linux the process is shown (personality(2))."""

from __future__ import annotations

from pyrunc.model import field, frozen
from pyrunc.spec.read import STRINGS, of, one_of
from pyrunc.spec.section import Section

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal


@frozen(kw_only=True, eq=False, repr=False)
class Personality(Section):
    """LINUX32 makes uname(2) tell of a 32-bit machine. No flags are defined by the specification yet."""

    domain: Literal["LINUX", "LINUX32"] = field(metadata=of(one_of("LINUX", "LINUX32")))
    flags: tuple[str, ...] = field(default=(), metadata=STRINGS)
