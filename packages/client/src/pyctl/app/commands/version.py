"""``pyctl version``: of this client and of the daemon."""

from __future__ import annotations

import platform
from typing import Annotated, cast

from pyctl.app.commands.rendering import parsed
from pyctl.app.flags import value
from pyctl.app.format.gotemplate import Row, Template, Value
from pyctl.app.format.tables import align
from pyctl.app.session import client
from pyctl.errors import InvalidUsage, PyctlError, TemplateError
from pyctl.models.system import SystemVersion
from pyctl.version import NEWEST_API, __version__

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}  # Go's names
_WIDTH, _GAP = 20, 1
_CLIENT = """\
Client: {{.Platform.Name}}
 Version:\t{{.Version}}
 API version:\t{{.ApiVersion}}{{if ne .ApiVersion .DefaultAPIVersion}} (downgraded from {{.DefaultAPIVersion}}){{end}}
 Python version:\t{{.PythonVersion}}
 OS/Arch:\t{{.Os}}/{{.Arch}}
 Context:\t{{.Context}}"""
_SERVER = """\
Server:{{with .Platform.Name}} {{.}}{{end}}
{{- range .Components}}
 {{.Name}}:
  {{- if eq .Name "Engine"}}
  Version:\t{{.Version}}
  API version:\t{{index .Details "ApiVersion"}} (minimum version {{index .Details "MinAPIVersion"}})
  Go version:\t{{index .Details "GoVersion"}}
  Git commit:\t{{index .Details "GitCommit"}}
  Built:\t{{index .Details "BuildTime"}}
  OS/Arch:\t{{index .Details "Os"}}/{{index .Details "Arch"}}
  Experimental:\t{{index .Details "Experimental"}}
  {{- else}}
  Version:\t{{.Version}}
  {{- range $name, $text := .Details}}
  {{$name}}:\t{{$text}}
  {{- end}}
  {{- end}}
{{- end}}"""


def version(
    format: Annotated[
        str | None, value("--format", "-f", help="Format output using a custom template: 'json' or a Go template")
    ] = None,
) -> int:
    """SystemVersion. Without a daemon the client's own version is still printed, and the exit code is 1."""
    template = parsed(format, name="version") if format else None
    failure: PyctlError | None = None
    server: SystemVersion | None = None
    try:
        server = client().system.version()
    except PyctlError as error:
        failure = error
    own = _own(client().api_version if server else NEWEST_API)
    print(_render(template, own, server) if template else _plain(own, server))
    if failure is not None:
        raise failure
    return 0


def _own(api_version: str) -> dict[str, Value]:
    machine = platform.machine()
    return {
        "Platform": {"Name": "pyctl"},
        "Version": __version__,
        "ApiVersion": api_version,
        "DefaultAPIVersion": NEWEST_API,
        "PythonVersion": platform.python_version(),
        "Os": platform.system().lower(),
        "Arch": _MACHINES.get(machine, machine),
        "Context": "default",
    }


def _render(template: Template, own: dict[str, Value], server: SystemVersion | None) -> str:
    theirs = cast(Value, server.document) if server else None
    document: dict[str, Value] = {"Client": own, "Server": theirs}
    try:
        return template.render(Row("system.versionInfo", document, document=document))
    except TemplateError as error:
        print(error.partial)
        raise InvalidUsage(str(error)) from error


def _plain(own: dict[str, Value], server: SystemVersion | None) -> str:
    parts = [Template(_CLIENT).render(own)]
    if server is not None:
        parts.append(Template(_SERVER).render(cast(Value, server.document)))
    return align("\n\n".join(parts), _WIDTH, _GAP)
