"""``pyctl info``: the daemon, its storage, its limits."""

from __future__ import annotations

from typing import Annotated, cast

from pyctl.app.commands.rendering import parsed
from pyctl.app.flags import value
from pyctl.app.format.gotemplate import Row, Template, Value
from pyctl.app.format.units import binary_size
from pyctl.app.session import client, complain
from pyctl.errors import InvalidUsage, TemplateError
from pyctl.models.fields import JsonObject
from pyctl.version import __version__

_CLIENT = """\
Client:
 Version:    {{.Version}}
 Context:    default
 Debug Mode: false
"""
_SERVER = """\
Server:
 Containers: {{.Containers}}
  Running: {{.ContainersRunning}}
  Paused: {{.ContainersPaused}}
  Stopped: {{.ContainersStopped}}
 Images: {{.Images}}
{{- with .ServerVersion}}
 Server Version: {{.}}
{{- end}}
 Storage Driver: {{.Driver}}
{{- range .DriverStatus}}
  {{index . 0}}: {{index . 1}}
{{- end}}
 Logging Driver: {{.LoggingDriver}}
 Cgroup Driver: {{.CgroupDriver}}
{{- with .CgroupVersion}}
 Cgroup Version: {{.}}
{{- end}}
 Plugins:
  Volume: {{join .Plugins.Volume " "}}
  Network: {{join .Plugins.Network " "}}
{{- with .Plugins.Authorization}}
  Authorization: {{join . " "}}
{{- end}}
  Log: {{join .Plugins.Log " "}}
{{- with .CDISpecDirs}}
 CDI spec directories:
{{- range .}}
  {{.}}
{{- end}}
{{- end}}
 Swarm: {{.Swarm.LocalNodeState}}
 Runtimes: {{join .RuntimeNames " "}}
 Default Runtime: {{.DefaultRuntime}}
 Init Binary: {{.InitBinary}}
 containerd version: {{.ContainerdCommit.ID}}
 runc version: {{.RuncCommit.ID}}
 init version: {{.InitCommit.ID}}
{{- with .Security}}
 Security Options:
{{- range .}}
  {{.Name}}
{{- range .Options}}
   {{.}}
{{- end}}
{{- end}}
{{- end}}
 Kernel Version: {{.KernelVersion}}
 Operating System: {{.OperatingSystem}}
 OSType: {{.OSType}}
 Architecture: {{.Architecture}}
 CPUs: {{.NCPU}}
 Total Memory: {{.Memory}}
 Name: {{.Name}}
 ID: {{.ID}}
 Docker Root Dir: {{.DockerRootDir}}
 Debug Mode: {{.Debug}}
{{- with .Labels}}
 Labels:
{{- range .}}
  {{.}}
{{- end}}
{{- end}}
 Experimental: {{.ExperimentalBuild}}
{{- with .Insecure}}
 Insecure Registries:
{{- range .}}
  {{.}}
{{- end}}
{{- end}}
 Live Restore Enabled: {{.LiveRestoreEnabled}}
"""


def info(
    format: Annotated[
        str | None, value("--format", "-f", help="Format output using a custom template: 'json' or a Go template")
    ] = None,
) -> None:
    """SystemInfo."""
    template = parsed(format) if format else None
    document = client().system.info()
    if template is not None:
        print(_custom(template, document))
        return
    print(Template(_CLIENT).render({"Version": __version__}))
    print(Template(_SERVER).render(cast(Value, document | _readable(document))))
    for warning in cast(list[str], document.get("Warnings") or []):
        complain(warning)


def _custom(template: Template, document: JsonObject) -> str:
    own: JsonObject = {"Debug": False, "Version": __version__, "Context": "default"}
    whole = cast(dict[str, Value], {**document, "ClientInfo": own})
    try:
        return template.render(Row("system.dockerInfo", whole, document=whole))
    except TemplateError as error:
        print(error.partial)
        raise InvalidUsage(str(error)) from error


def _readable(document: JsonObject) -> JsonObject:
    """What the template prints in another form than the API has it."""
    registries = cast(JsonObject, document.get("RegistryConfig") or {})
    empty: JsonObject = {"ID": "", "LocalNodeState": "inactive"}
    parts = ("ContainerdCommit", "RuncCommit", "InitCommit", "Swarm")
    return {
        **{part: document.get(part) or empty for part in parts},
        "Insecure": registries.get("InsecureRegistryCIDRs"),
        "Memory": binary_size(cast(int, document.get("MemTotal") or 0)),
        "RuntimeNames": list(cast(JsonObject, document.get("Runtimes") or {})),
        "Security": [_security(text) for text in cast(list[str], document.get("SecurityOptions") or [])],
    }


def _security(text: str) -> JsonObject:
    """``name=seccomp,profile=builtin`` as a name and lines of the others; an old daemon gives the name alone."""
    pairs = dict(part.partition("=")[::2] for part in text.split(","))
    name = pairs.pop("name", text)
    return {"Name": name, "Options": [f"{key.capitalize()}: {value}" for key, value in pairs.items()]}
