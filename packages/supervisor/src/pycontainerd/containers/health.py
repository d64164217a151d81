"""Health checks as facts: what to probe, what came of it, and what that says of the container. Pure, docker's rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from attrs import evolve, frozen

HealthStatus = Literal["starting", "healthy", "unhealthy"]
KEPT = 5
"""How many results are remembered."""
MOST_OUTPUT = 4096
"""Bytes of a probe's output that are remembered."""
_SHORTEST = 0.001
_KINDS = ("NONE", "CMD", "CMD-SHELL")


@frozen(kw_only=True)
class HealthCheck:
    """``test`` is ``("CMD", program, ...)``, ``("CMD-SHELL", line)`` or ``("NONE",)``, which switches the image's off; empty: the image's.

    Seconds, None for the image's or docker's default: a probe each 30 s (``interval``), with a ``timeout`` of 30 s; unhealthy after 3 failures
    in a row (``retries``). In the ``start_period`` (0 s) after the start failures do not count, and until the first success probes come each
    ``start_interval`` (5 s).
    """

    test: tuple[str, ...] = ()
    interval: float | None = None
    timeout: float | None = None
    start_period: float | None = None
    start_interval: float | None = None
    retries: int | None = None

    def check(self) -> None:
        """ValueError naming what is wrong."""
        if self.test and (self.test[0] not in _KINDS or (self.test[0] != "NONE" and len(self.test) == 1)):
            raise ValueError(f"test: expected NONE, CMD and a program, or CMD-SHELL and a line, got {list(self.test)}")
        for name in ("interval", "timeout", "start_period", "start_interval"):
            value = getattr(self, name)
            if value is not None and value < _SHORTEST:
                raise ValueError(f"{name}: cannot be less than 1ms")
        if self.retries is not None and self.retries < 0:
            raise ValueError("retries: cannot be negative")

    def over(self, image: HealthCheck | None) -> HealthCheck:
        """This one, and what it leaves open from the image's."""
        if image is None:
            return self
        given = {
            name: getattr(self, name)
            for name in ("interval", "timeout", "start_period", "start_interval", "retries")
            if getattr(self, name) is not None
        }
        return evolve(image, test=self.test or image.test, **given)

    @property
    def probes(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.test) and self.test[0] != "NONE"

    def command(self, shell: tuple[str, ...]) -> tuple[str, ...]:
        """The arguments of the probe."""
        return (*shell, self.test[1]) if self.test[0] == "CMD-SHELL" else self.test[1:]

    def wait(self, status: HealthStatus, running_for: float) -> float:
        """Seconds until the next probe."""
        starting = status == "starting" and running_for < (self.start_period or 0)
        return (self.start_interval or 5.0) if starting else (self.interval or 30.0)

    @property
    def seconds(self) -> float:
        """How long a probe may take."""
        return self.timeout or 30.0


@frozen(kw_only=True)
class HealthResult:
    """One probe: ``exit_code`` 0 is healthy, -1 one that did not come to an end; ``output`` is what it wrote, or why there is nothing."""

    started_ns: int
    ended_ns: int
    exit_code: int
    output: str

    @property
    def started_at(self) -> datetime:
        """UTC."""
        return _moment(self.started_ns)

    @property
    def ended_at(self) -> datetime:
        """UTC."""
        return _moment(self.ended_ns)


@frozen(kw_only=True)
class Health:
    """``failing_streak`` counts the failures in a row; ``log`` has the last five probes, oldest first."""

    status: HealthStatus = "starting"
    failing_streak: int = 0
    log: tuple[HealthResult, ...] = ()

    def after(self, result: HealthResult, check: HealthCheck, started_ns: int) -> Health:
        """What it is when a probe has ended so; ``started_ns`` is when the container was started."""
        log = (*self.log, result)[-KEPT:]
        if result.exit_code == 0:
            return Health(status="healthy", log=log)
        young = result.started_ns - started_ns < (check.start_period or 0) * 1e9
        if self.status == "starting" and young:
            return evolve(self, log=log)
        streak = self.failing_streak + 1
        return Health(
            status="unhealthy" if streak >= (check.retries or 3) else self.status, failing_streak=streak, log=log
        )

    def restarted(self) -> Health:
        """At the start of a run."""
        return evolve(self, status="starting", failing_streak=0)

    def unwatched(self) -> Health:
        """While nobody probes, because it has ended or is paused."""
        return evolve(self, status="unhealthy")


def of_image(document: Mapping[str, Any] | None) -> HealthCheck | None:
    """From the ``Healthcheck`` of an image's config, whose durations are nanoseconds; None where it is none."""
    if not document:
        return None
    test, retries = document.get("Test"), document.get("Retries")
    if not isinstance(test, list) or not all(isinstance(word, str) for word in test):
        return None
    return HealthCheck(
        test=tuple(test),
        interval=_duration(document.get("Interval")),
        timeout=_duration(document.get("Timeout")),
        start_period=_duration(document.get("StartPeriod")),
        start_interval=_duration(document.get("StartInterval")),
        retries=retries if isinstance(retries, int) and retries > 0 else None,
    )


def _duration(nanoseconds: object) -> float | None:
    return nanoseconds / 1e9 if isinstance(nanoseconds, int) and nanoseconds > 0 else None


def _moment(ns: int) -> datetime:
    return datetime.fromtimestamp(ns // 10**9, UTC).replace(microsecond=ns % 10**9 // 1000)
