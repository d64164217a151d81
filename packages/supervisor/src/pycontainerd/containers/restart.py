"""Restart policies: whether a container whose run has ended is started again, and when. Pure decisions, docker's rules."""

from __future__ import annotations

from typing import Literal, TypeGuard, get_args

from attrs import frozen

PolicyName = Literal["no", "on-failure", "always", "unless-stopped"]
_FIRST, _FACTOR, _LONGEST = 0.1, 2, 60.0
_GOOD_RUN = 10.0
"""Seconds after which a run counts as one that went well: the next wait is the shortest again."""


@frozen(kw_only=True)
class RestartPolicy:
    """``max_retries`` is for ``on-failure``: 0 is no limit.

    ``always`` and ``unless-stopped`` differ in what a supervisor does that opens: one that somebody has stopped stays so with the latter.
    """

    name: PolicyName = "no"
    max_retries: int = 0

    def check(self) -> None:
        """ValueError for what is no policy."""
        if self.name not in get_args(PolicyName):
            raise ValueError(f"unknown policy {self.name!r}; use one of {', '.join(get_args(PolicyName))}")
        if self.max_retries < 0:
            raise ValueError("maximum retry count cannot be negative")
        if self.max_retries and self.name != "on-failure":
            raise ValueError("maximum retry count can only be used with 'on-failure'")

    def wants(self, *, exit_code: int, restarts: int, stopped_by_hand: bool) -> bool:
        """Whether to start it again after a run that ended with ``exit_code``, the ``restarts``th of its kind."""
        match self.name:
            case "always":
                return True
            case "unless-stopped":
                return not stopped_by_hand
            case "on-failure":
                return exit_code != 0 and (not self.max_retries or restarts < self.max_retries)
            case _:
                return False


def is_policy(name: str) -> TypeGuard[PolicyName]:
    """Whether there is a policy of this name."""
    return name in get_args(PolicyName)


def next_wait(last: float, ran: float) -> float:
    """Seconds to wait before the next start, when it was ``last`` (0 for the first) before this one and the run has taken ``ran`` seconds."""
    if not last or ran >= _GOOD_RUN:
        return _FIRST
    return min(last * _FACTOR, _LONGEST)
