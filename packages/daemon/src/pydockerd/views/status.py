"""The texts of ``docker ps``: how long something is ago, and what a container is doing."""

from __future__ import annotations

from datetime import datetime, timedelta

from pycontainerd.containers.info import ContainerInfo, Status


def human_duration(duration: timedelta) -> str:
    """docker's words for a duration, from "Less than a second" to "3 years"."""
    seconds = int(duration.total_seconds())
    if seconds < 1:
        return "Less than a second"
    if seconds < 60:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    minutes = seconds // 60
    if minutes < 60:
        return "About a minute" if minutes == 1 else f"{minutes} minutes"
    hours = int(duration.total_seconds() / 3600 + 0.5)
    if hours < 48:
        return "About an hour" if hours == 1 else f"{hours} hours"
    return _human_days(hours)


def _human_days(hours: int) -> str:
    days = hours // 24
    if days < 14:
        return f"{days} days"
    if days < 60:
        return f"{days // 7} weeks"
    if days < 730:
        return f"{days // 30} months"
    return f"{days // 365} years"


def status_text(info: ContainerInfo, now: datetime) -> str:
    """``Up 3 seconds``, ``Exited (0) 2 minutes ago``, ``Created``..."""
    match info.status:
        case Status.RUNNING:
            return f"Up {_since(info.started_at, now)}{_health(info)}"
        case Status.PAUSED:
            return f"Up {_since(info.started_at, now)} (Paused)"
        case Status.RESTARTING:
            return f"Restarting ({info.exit_code}) {_since(info.finished_at, now)} ago"
        case Status.EXITED:
            return f"Exited ({info.exit_code}) {_since(info.finished_at, now)} ago"
        case Status.REMOVING:
            return "Removal In Progress"
        case Status.DEAD:
            return "Dead"
        case _:
            return "Created"


def _health(info: ContainerInfo) -> str:
    if info.health is None:
        return ""
    return " (health: starting)" if info.health.status == "starting" else f" ({info.health.status})"


def _since(moment: datetime | None, now: datetime) -> str:
    return human_duration(timedelta(0) if moment is None else now - moment)
