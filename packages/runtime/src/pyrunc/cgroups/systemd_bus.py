"""Calls to systemd over D-Bus (org.freedesktop.systemd1(5)), each of which is done when it returns."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from jeepney import DBusAddress, MatchRule, MessageType, message_bus, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from pyrunc.errors import CgroupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyrunc.cgroups.systemd_properties import Property

_BOOTED = "/run/systemd/system"
"""sd_booted(3)."""
_PATIENCE = 30.0
_MANAGER = DBusAddress(
    "/org/freedesktop/systemd1", bus_name="org.freedesktop.systemd1", interface="org.freedesktop.systemd1.Manager"
)
_ERRORS = "org.freedesktop.systemd1."


class Refused(Exception):  # noqa: N818 - what systemd has done
    """systemd's answer is an error; ``name`` without its prefix: ``NoSuchUnit``."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name, text)
        self.name = name
        self.text = text


def running() -> bool:
    """Whether this machine was booted with systemd."""
    return os.path.isdir(_BOOTED)


@contextmanager
def connected(field: str) -> Iterator[Systemd]:
    """A connection to the system's bus. Raises CgroupError with ``field``, also for what the block is refused."""
    try:
        with open_dbus_connection("SYSTEM") as connection:
            yield Systemd(connection)
    except Refused as error:
        raise CgroupError(field, f"systemd refused: {error.text} ({error.name})") from error
    except TimeoutError as error:
        raise CgroupError(field, f"systemd did not answer within {_PATIENCE:.0f} seconds") from error
    except OSError as error:
        raise CgroupError(field, "systemd cannot be reached over D-Bus", error.errno or 0) from error


class Systemd:
    """One connection. All methods raise Refused, TimeoutError, OSError."""

    def __init__(self, connection: DBusConnection) -> None:
        self._connection = connection

    def start(self, unit: str, properties: list[Property]) -> None:
        """Make and start a transient unit. What has failed under the name before is forgotten first."""
        try:
            self._job("StartTransientUnit", "ssa(sv)a(sa(sv))", (unit, "replace", properties, []))
        except Refused as error:
            if error.name != "UnitExists":
                raise
            self.reset_failed(unit)
            self._job("StartTransientUnit", "ssa(sv)a(sa(sv))", (unit, "replace", properties, []))

    def stop(self, unit: str) -> None:
        """Stop it, and forget how it ended. One that is not there is no error."""
        try:
            self._job("StopUnit", "ss", (unit, "replace"))
        except Refused as error:
            if error.name != "NoSuchUnit":
                raise
        self.reset_failed(unit)

    def reset_failed(self, unit: str) -> None:
        """A unit that has failed keeps its name in use until then."""
        try:
            self._call("ResetFailedUnit", "s", (unit,))
        except Refused as error:
            if error.name != "NoSuchUnit":
                raise

    def set(self, unit: str, properties: list[Property]) -> None:
        """Change properties until the unit ends."""
        self._call("SetUnitProperties", "sba(sv)", (unit, True, properties))

    def _job(self, method: str, signature: str, body: tuple[Any, ...]) -> None:
        """Call what is answered with a job, and wait for its end."""
        removed = MatchRule(type="signal", interface=_MANAGER.interface, member="JobRemoved", path=_MANAGER.object_path)
        self._reply(message_bus.AddMatch(removed))
        self._call("Subscribe", None, ())
        with self._connection.filter(removed, bufsize=1000) as queue:
            (job,) = self._call(method, signature, body)
            deadline = time.monotonic() + _PATIENCE
            while True:
                signal = self._connection.recv_until_filtered(queue, timeout=max(0.0, deadline - time.monotonic()))
                _, ended, _, result = signal.body
                if ended == job:
                    break
        if result != "done":
            raise Refused(result, f"{method} {body[0]} ended as {result!r}")

    def _call(self, method: str, signature: str | None, body: tuple[Any, ...]) -> tuple[Any, ...]:
        return self._reply(new_method_call(_MANAGER, method, signature, body))

    def _reply(self, message: Any) -> tuple[Any, ...]:
        reply = self._connection.send_and_get_reply(message, timeout=_PATIENCE)
        body: tuple[Any, ...] = reply.body
        if reply.header.message_type == MessageType.error:
            name = next((value for key, value in reply.header.fields.items() if key.name == "error_name"), "")
            raise Refused(str(name).removeprefix(_ERRORS), str(body[0]) if body else "")
        return body
