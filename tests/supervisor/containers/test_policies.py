"""Restart policies and health as pure decisions: docker's rules as tables."""

from __future__ import annotations

import pytest

from pycontainerd import Health, HealthCheck, HealthResult, RestartPolicy
from pycontainerd.containers.health import KEPT, of_image
from pycontainerd.containers.restart import PolicyName, next_wait


@pytest.mark.parametrize(
    ("name", "retries", "code", "restarts", "by_hand", "again"),
    [
        ("no", 0, 1, 0, False, False),
        ("always", 0, 0, 99, False, True),
        ("always", 0, 0, 0, True, True),
        ("unless-stopped", 0, 0, 0, False, True),
        ("unless-stopped", 0, 0, 0, True, False),
        ("on-failure", 0, 0, 0, False, False),
        ("on-failure", 0, 1, 99, False, True),
        ("on-failure", 3, 1, 2, False, True),
        ("on-failure", 3, 1, 3, False, False),
    ],
)
def test_who_is_started_again(
    name: PolicyName, retries: int, code: int, restarts: int, by_hand: bool, again: bool
) -> None:
    policy = RestartPolicy(name=name, max_retries=retries)
    assert policy.wants(exit_code=code, restarts=restarts, stopped_by_hand=by_hand) is again


def test_waits_double_up_to_a_minute_and_begin_anew_after_a_good_run() -> None:
    waits = [0.0]
    for _ in range(12):
        waits.append(next_wait(waits[-1], 0.5))
    assert waits[1:5] == [0.1, 0.2, 0.4, 0.8]
    assert waits[-1] == 60
    assert next_wait(60, 9.9) == 60
    assert next_wait(60, 10.0) == 0.1


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (RestartPolicy(name="often"), "unknown policy 'often'"),  # type: ignore[arg-type]
        (RestartPolicy(name="on-failure", max_retries=-1), "cannot be negative"),
        (RestartPolicy(name="always", max_retries=1), "only be used with 'on-failure'"),
    ],
)
def test_wrong_policies_are_named(policy: RestartPolicy, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        policy.check()


def probed(check: HealthCheck, *codes: int, at: float = 0.0, health: Health | None = None) -> Health:
    """After probes that began ``at`` seconds after the start of the container."""
    health = health or Health()
    for code in codes:
        result = HealthResult(started_ns=int(at * 1e9), ended_ns=int(at * 1e9) + 1, exit_code=code, output="")
        health = health.after(result, check, 0)
    return health


def test_three_failures_in_a_row_make_it_unhealthy_and_one_success_healthy() -> None:
    check = HealthCheck(test=("CMD", "true"))
    assert probed(check, 1, 1).status == "starting"
    assert probed(check, 1, 1, 1).status == "unhealthy"
    assert probed(check, 0, 1, 1).status == "healthy"
    assert probed(check, 1, 1, 1, 0) == Health(status="healthy", log=probed(check, 1, 1, 1, 0).log)
    assert probed(HealthCheck(test=("CMD", "x"), retries=1), -1).status == "unhealthy"


def test_failures_do_not_count_in_the_start_period_until_the_first_success() -> None:
    check = HealthCheck(test=("CMD", "true"), start_period=10, retries=2)
    young = probed(check, 1, 1, 1, 1, at=5)
    assert (young.status, young.failing_streak, len(young.log)) == ("starting", 0, 4)
    assert probed(check, 1, 1, at=11, health=young).status == "unhealthy"
    assert probed(check, 0, 1, 1, at=5).status == "unhealthy"


def test_the_last_five_results_are_kept() -> None:
    log = probed(HealthCheck(test=("CMD", "x")), *range(9)).log
    assert [result.exit_code for result in log] == list(range(9))[-KEPT:]


def test_waits_between_probes() -> None:
    check = HealthCheck(test=("CMD", "x"), interval=20, start_period=10, start_interval=1)
    assert check.wait("starting", 3) == 1
    assert check.wait("healthy", 3) == 20
    assert check.wait("starting", 11) == 20
    assert HealthCheck(test=("CMD", "x"), start_period=9).wait("starting", 0) == 5
    assert HealthCheck(test=("CMD", "x")).wait("starting", 0) == 30


def test_what_is_left_open_comes_from_the_image() -> None:
    image = of_image({"Test": ["CMD-SHELL", "check"], "Interval": 2_000_000_000, "Retries": 5})
    assert image == HealthCheck(test=("CMD-SHELL", "check"), interval=2.0, retries=5)
    assert HealthCheck(timeout=1).over(image) == HealthCheck(
        test=("CMD-SHELL", "check"), interval=2.0, retries=5, timeout=1
    )
    assert not HealthCheck(test=("NONE",)).over(image).probes
    assert of_image({"Test": "sh"}) is None
    assert HealthCheck(test=("CMD-SHELL", "a b")).command(("/bin/ash", "-c")) == ("/bin/ash", "-c", "a b")


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (HealthCheck(test=("RUN", "x")), "test: expected"),
        (HealthCheck(test=("CMD",)), "test: expected"),
        (HealthCheck(test=("CMD", "x"), interval=0.0001), "interval: cannot be less than 1ms"),
        (HealthCheck(test=("CMD", "x"), retries=-1), "retries: cannot be negative"),
    ],
)
def test_wrong_checks_are_named(check: HealthCheck, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check.check()
