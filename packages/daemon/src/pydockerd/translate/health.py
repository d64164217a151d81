"""Health checks between the API, whose durations are nanoseconds, and the supervisor, whose are seconds."""

from __future__ import annotations

from pycontainerd.containers.health import HealthCheck
from pydockerd.errors import BadRequest
from pydockerd.models.container_config import HealthConfig

_KINDS = frozenset({"NONE", "CMD", "CMD-SHELL"})
_SHORTEST = 1_000_000
_DURATIONS = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start_period": "StartPeriod",
    "start_interval": "StartInterval",
}


def health_check(asked: HealthConfig | None) -> HealthCheck | None:
    """None where nothing is asked for. A kind of test that docker does not know either is accepted and never run, as docker has it."""
    if asked is None:
        return None
    for field, name in _DURATIONS.items():
        if getattr(asked, field) and getattr(asked, field) < _SHORTEST:
            raise BadRequest(f"{name} in Healthcheck cannot be less than 1ms")
    if asked.retries < 0:
        raise BadRequest("Retries in Healthcheck cannot be negative")
    runnable = not asked.test or (asked.test[0] in _KINDS and (asked.test[0] == "NONE" or len(asked.test) > 1))
    return HealthCheck(
        test=asked.test if runnable else ("NONE",),
        interval=_seconds(asked.interval),
        timeout=_seconds(asked.timeout),
        start_period=_seconds(asked.start_period),
        start_interval=_seconds(asked.start_interval),
        retries=asked.retries or None,
    )


def health_config(check: HealthCheck | None, asked: HealthConfig | None) -> HealthConfig | None:
    """What an inspect shows: the check as it is, with what came from the image."""
    if check is None or not check.test:
        return asked
    return HealthConfig(
        test=check.test,
        interval=_nanoseconds(check.interval),
        timeout=_nanoseconds(check.timeout),
        start_period=_nanoseconds(check.start_period),
        start_interval=_nanoseconds(check.start_interval),
        retries=check.retries or 0,
    )


def _seconds(nanoseconds: int) -> float | None:
    return nanoseconds / 1e9 if nanoseconds else None


def _nanoseconds(seconds: float | None) -> int:
    return round((seconds or 0) * 1e9)
