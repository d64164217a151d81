"""Which devices a container may use: the rules of the specification, and those that every container has."""

from __future__ import annotations

from pyrunc.cgroups.fields import RESOURCES
from pyrunc.errors import CgroupError
from pyrunc.model import frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyrunc.spec.resources import Resources

WILDCARD = -1
"""Any major or minor number."""


@frozen
class Rule:
    """``kind`` is ``a`` (all), ``b`` or ``c``; ``access`` some of ``rwm``. Later rules overrule earlier ones."""

    allow: bool
    kind: str
    major: int = WILDCARD
    minor: int = WILDCARD
    access: str = "rwm"
    field: str = f"{RESOURCES}.devices"

    def __str__(self) -> str:
        """In the notation of devices.allow and devices.deny."""
        if self.kind == "a":
            return "a"
        return f"{self.kind} {_number(self.major)}:{_number(self.minor)} {self.access}"


def _number(number: int) -> str:
    return "*" if number == WILDCARD else str(number)


DEFAULTS = (
    Rule(True, "c", access="m"),  # mknod alone opens nothing
    Rule(True, "b", access="m"),
    Rule(True, "c", 1, 3),  # null
    Rule(True, "c", 1, 5),  # zero
    Rule(True, "c", 1, 7),  # full
    Rule(True, "c", 1, 8),  # random
    Rule(True, "c", 1, 9),  # urandom
    Rule(True, "c", 5, 0),  # tty
    Rule(True, "c", 5, 2),  # ptmx
    Rule(True, "c", 136),  # pts/*
)
"""The devices of the default file systems (runtime-spec, config-linux, Default Devices). They come after the container's own rules, as in runc."""


def rules(resources: Resources | None) -> tuple[Rule, ...]:
    """Deny all, then what the specification says, then DEFAULTS: a container never has a device because nobody thought of it.

    Rules before the last one that speaks of all devices have no effect, so they are left out. Raises CgroupError for a rule that cannot be.
    """
    effective = [Rule(False, "a")]
    for rule in _of_spec(resources):
        if rule.kind == "a":
            effective.clear()
        effective.append(rule)
    if effective[0].allow and len(effective) == 1:
        return tuple(effective)
    return (*effective, *DEFAULTS)


def _of_spec(resources: Resources | None) -> Iterator[Rule]:
    for index, device in enumerate(resources.devices if resources is not None else ()):
        field = f"{RESOURCES}.devices[{index}]"
        access = device.access or "rwm"
        kind = device.type or "a"
        if kind not in ("a", "b", "c") or not access or set(access) - set("rwm"):
            raise CgroupError(
                field, f"type {kind!r} with access {access!r} is no device rule (type a, b or c; access of r, w, m)"
            )
        major = WILDCARD if device.major is None or device.major < 0 else device.major
        minor = WILDCARD if device.minor is None or device.minor < 0 else device.minor
        if kind != "a":
            yield Rule(device.allow, kind, major, minor, access, field)
        elif (major, minor) == (WILDCARD, WILDCARD) and set(access) == set("rwm"):
            yield Rule(device.allow, "a", field=field)
        else:
            # Version 1 ignores the numbers of a rule for all types: as two rules it means on both versions what it says.
            yield Rule(device.allow, "b", major, minor, access, field)
            yield Rule(device.allow, "c", major, minor, access, field)


def batches(all_rules: Iterable[Rule]) -> Iterator[tuple[bool, list[Rule]]]:
    """Neighbouring rules of the same kind together, so that devices.allow is opened once and not once for each rule."""
    batch: list[Rule] = []
    for rule in all_rules:
        if batch and batch[-1].allow != rule.allow:
            yield batch[-1].allow, batch
            batch = []
        batch.append(rule)
    if batch:
        yield batch[-1].allow, batch
