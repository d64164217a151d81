"""Processes added to running containers: ``/containers/{id}/exec`` and ``/exec`` (Engine API, tag Exec)."""

from __future__ import annotations

from urllib.parse import quote

import attrs

from pyctl.api import Api, parse_json
from pyctl.hijack import Hijacked
from pyctl.models.containers import Created, ExecDetail, Finished
from pyctl.models.create import ExecRequest
from pyctl.models.fields import Json, decode
from pyctl.models.requests import encode
from pyctl.streams import collected


class Execs:
    """``client.execs``. An exec instance is made first, started once, and can be asked for its exit code afterwards."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def create(self, container: str, request: ExecRequest) -> str:
        """ContainerExec: returns the new instance's ID. `Conflict` when the container does not run."""
        path = f"/containers/{quote(container, safe='')}/exec"
        answer = self._api.call("POST", path, None, encode(request))
        return decode(Created, parse_json(answer, "created exec"), "created exec").id

    def run(self, container: str, request: ExecRequest, *, input: bytes = b"") -> Finished:
        """ExecCreate, ExecStart and ExecInspect: a command from its beginning to its end, and what it wrote; ``input`` is what it reads."""
        asked = attrs.evolve(request, attach_stdin=bool(input) or None, attach_stdout=True, attach_stderr=True)
        exec_id = self.create(container, asked)
        with self.start(exec_id, tty=bool(request.tty)) as connection:
            stdout, stderr = collected(connection, input or None, tty=bool(request.tty))
        return Finished(exec_id, self.inspect(exec_id).exit_code, stdout, stderr)

    def start(self, exec_id: str, *, tty: bool = False) -> Hijacked:
        """ExecStart, attached: the raw connection; multiplexed unless ``tty``."""
        return self._api.hijack(f"/exec/{exec_id}/start", None, _start(detach=False, tty=tty))

    def start_detached(self, exec_id: str, *, tty: bool = False) -> None:
        """ExecStart in the background."""
        self._api.call("POST", f"/exec/{exec_id}/start", None, _start(detach=True, tty=tty))

    def resize(self, exec_id: str, rows: int, columns: int) -> None:
        """ExecResize: the size of its terminal, in characters."""
        self._api.call("POST", f"/exec/{exec_id}/resize", {"h": rows, "w": columns})

    def inspect(self, exec_id: str) -> ExecDetail:
        """ExecInspect."""
        return decode(ExecDetail, self._api.get(f"/exec/{exec_id}/json"), f"exec {exec_id}")


def _start(*, detach: bool, tty: bool) -> Json:
    return {"Detach": detach, "Tty": tty}
