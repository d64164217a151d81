"""Values of single flags: sizes, CPU counts, limits, devices, key=value pairs. Each raises `InvalidValue`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from pyctl.app.options.moments import duration
from pyctl.errors import InvalidValue
from pyctl.models.create import Device, RestartPolicy, ThrottledDevice, Ulimit, WeightedDevice

_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kmgtp]?)(?:i?b)?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_RLIMITS = frozenset(
    [
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ]
)
_PERMISSIONS = frozenset("rwm")


def size(text: str) -> int:
    """Bytes: ``512m``, ``1.5GB``, ``64kib``, a plain number; units are powers of 1024 (go-units RAMInBytes)."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise InvalidValue(f"invalid size: '{text}'" if not text[:1].isdigit() else f"invalid suffix: '{_tail(text)}'")
    return int(Decimal(found["number"]) * 1024 ** _POWERS[found["unit"].lower()])


def _tail(text: str) -> str:
    return text.lstrip("0123456789.").strip().lower()


def swap(text: str) -> int:
    """Bytes like `size`, or -1 for unlimited."""
    return -1 if text == "-1" else size(text)


def cpus(text: str) -> int:
    """A decimal number of CPUs in billionths (NanoCpus)."""
    try:
        exact = Decimal(text) * 10**9
    except InvalidOperation:
        raise InvalidValue(f"failed to parse {text} as a rational number") from None
    if not exact.is_finite() or exact < 0:
        raise InvalidValue(f"failed to parse {text} as a rational number")
    if exact != exact.to_integral_value():
        raise InvalidValue("value is too precise")
    return int(exact)


def ulimit(text: str) -> Ulimit:
    """``nofile=1024:2048`` (soft:hard), ``core=0`` (both), ``core=-1`` (unlimited)."""
    name, found, limits = text.partition("=")
    if not found:
        raise InvalidValue(f"invalid ulimit argument: {text}")
    if name not in _RLIMITS:
        raise InvalidValue(f"invalid ulimit type: {name}")
    soft_text, has_hard, hard_text = limits.partition(":")
    soft = _limit(soft_text, limits)
    hard = _limit(hard_text, limits) if has_hard else soft
    if hard != -1 and (soft > hard or soft == -1):
        raise InvalidValue(f"ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}")
    return Ulimit(name=name, soft=soft, hard=hard)


def _limit(text: str, whole: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidValue(f"invalid ulimit argument: {whole}: {text!r} is no number") from None


def device(text: str) -> Device:
    """``/dev/host[:/dev/container][:rwm]``."""
    host, *rest = text.split(":")
    container, permissions = host, "rwm"
    if len(rest) > 2 or not host:
        raise InvalidValue(f"invalid device specification: {text}")
    if len(rest) == 2:
        container, permissions = rest[0] or host, rest[1]
    elif rest and _are_permissions(rest[0]):
        permissions = rest[0]
    elif rest:
        container = rest[0]
    if not _are_permissions(permissions):
        raise InvalidValue(f"invalid device mode: {permissions}")
    return Device(host_path=host, container_path=container, permissions=permissions)


def weighted_device(text: str) -> WeightedDevice:
    """``/dev/sda:500``: a weight of 10 to 1000, or 0 for none."""
    path, weight = _device_and(text)
    if not weight.isdecimal() or (int(weight) and not 10 <= int(weight) <= 1000):
        raise InvalidValue(f"invalid weight for device: {text}")
    return WeightedDevice(path=path, weight=int(weight))


def bytes_of_device(text: str) -> ThrottledDevice:
    """``/dev/sda:1mb``: bytes a second."""
    path, rate = _device_and(text)
    try:
        return ThrottledDevice(path=path, rate=size(rate))
    except InvalidValue:
        raise InvalidValue(
            f"invalid rate for device: {text}. The correct format is <device-path>:<number>[<unit>]. Number must be a "
            "positive integer. Unit is optional and can be kb, mb, or gb"
        ) from None


def operations_of_device(text: str) -> ThrottledDevice:
    """``/dev/sda:1000``: operations a second."""
    path, rate = _device_and(text)
    if not rate.isdecimal():
        raise InvalidValue(
            f"invalid rate for device: {text}. The correct format is <device-path>:<number>. Number must be a positive integer"
        )
    return ThrottledDevice(path=path, rate=int(rate))


def _device_and(text: str) -> tuple[str, str]:
    path, _, rest = text.partition(":")
    if not path or not rest:
        raise InvalidValue(f"bad format: {text}")
    if not path.startswith("/dev/"):
        raise InvalidValue(f"bad format for device path: {text}")
    return path, rest


def link(text: str) -> str:
    """``CONTAINER[:ALIAS]``."""
    if not text:
        raise InvalidValue("empty string specified for links")
    if text.count(":") > 1:
        raise InvalidValue(f"bad format for links: {text}")
    return text


def _are_permissions(text: str) -> bool:
    return 0 < len(text) == len(set(text)) and set(text) <= _PERMISSIONS


def restart(text: str) -> RestartPolicy:
    """``no``, ``always``, ``unless-stopped``, ``on-failure[:COUNT]``."""
    name, found, count = text.partition(":")
    if found and not count.isdecimal():
        raise InvalidValue("invalid restart policy format: maximum retry count must be an integer")
    return RestartPolicy(name=name, maximum_retry_count=int(count or 0))


def nanoseconds(text: str) -> int:
    """A duration as Go writes it: ``1m30s``, ``200ms``."""
    seconds = duration(text)
    if seconds is None:
        raise InvalidValue(f"time: {_wrong_duration(text)}")
    return round(seconds * 1e9)


def _wrong_duration(text: str) -> str:
    """Go's words for what is wrong with it."""
    number = re.fullmatch(r"[+-]?\d+(?:\.\d*)?", text)
    return f'missing unit in duration "{text}"' if number else f'invalid duration "{text}"'


def pairs(lines: Iterable[str]) -> dict[str, str]:
    """``key=value`` lines as a mapping; a key alone has an empty value."""
    return {key: value for key, _, value in (line.partition("=") for line in lines)}


def strict_pairs(lines: Iterable[str], flag: str) -> dict[str, str]:
    """``key=value`` lines as a mapping, each with its equals sign."""
    for line in lines:
        if "=" not in line:
            raise InvalidValue(f'invalid argument "{line}" for "{flag}" flag: {line} must be formatted as key=value')
    return pairs(lines)
