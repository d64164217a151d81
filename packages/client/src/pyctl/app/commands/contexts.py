"""``pyctl context``: docker's contexts, which name daemons."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import attrs

from pyctl.app.commands.rendering import parsed
from pyctl.app.flags import operand, switch, value
from pyctl.app.format.gotemplate import Row, Value
from pyctl.app.format.gotemplate.values import html_safe
from pyctl.app.format.listing import Format, Layout
from pyctl.app.options.order import natural
from pyctl.app.options.values import strict_pairs
from pyctl.app.session import complain, session
from pyctl.configuration import read, write
from pyctl.contexts import DEFAULT, Context, ContextStore, check_name
from pyctl.errors import CommandFailed, InvalidContext, InvalidUsage, InvalidValue
from pyctl.hosts import choose_host, parse_host
from pyctl.models.fields import JsonObject
from pyctl.targets import context_name

_ABOUT_DEFAULT: Final = "Current DOCKER_HOST based configuration"
_FILES: Final = {"ca": "ca.pem", "cert": "cert.pem", "key": "key.pem"}
_KEYS: Final = frozenset({"from", "host", "skip-tls-verify", *_FILES})
_LAYOUT = Layout(
    default=("Name", "Description", "DockerEndpoint", "Error"),
    titles={
        "Current": "",
        "Description": "DESCRIPTION",
        "DockerEndpoint": "DOCKER ENDPOINT",
        "Error": "ERROR",
        "Name": "NAME",
    },
    quiet="{{.Name}}",
    go_type="*formatter.clientContextContext",
)
_TABLE: Final = r"table {{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}"
Name = Annotated[str, operand("CONTEXT")]
Names = Annotated[list[str], operand("CONTEXT [CONTEXT...]")]


def _pair(text: str) -> dict[str, str]:
    """``key=value,key=value``."""
    for part in text.split(","):
        if "=" not in part:
            raise InvalidValue(f"{part} must be formatted as key=value")
    return strict_pairs(text.split(","), "--docker")


Endpoint = Annotated[
    list[Any], value("--docker", metavar="stringToString", help="set the docker endpoint (default [])", read=_pair)
]
Description = Annotated[str | None, value("--description", help="Description of the context")]


@attrs.frozen(kw_only=True)
class CreateFlags:
    """What it is."""

    description: Description = None
    docker: Endpoint = attrs.field(factory=list)
    from_: Annotated[str | None, value("--from", help="create context from a named context")] = None


def create(context: Name, flags: CreateFlags) -> None:
    """A new one."""
    store = _store()
    check_name(context)
    if store.exists(context):
        raise InvalidContext(f'context "{context}" already exists')
    begin = _found(flags.from_) if flags.from_ or not flags.docker else Context(context)
    made = attrs.evolve(begin, name=context)
    if flags.description is not None:
        made = attrs.evolve(made, description=flags.description)
    store.put(_with_endpoint(made, flags.docker))
    _done(context, "created")


def update(context: Name, description: Description = None, docker: Endpoint = []) -> None:  # noqa: B006 - a declaration
    """Change what is said, keep the rest."""
    store = _store()
    found = store.get(context)
    if description is not None:
        found = attrs.evolve(found, description=description)
    store.put(_with_endpoint(found, docker))
    _done(context, "updated")


def ls(
    format: Annotated[
        str | None, value("--format", help="Format output: 'table', 'table TEMPLATE', 'json', or a Go template")
    ] = None,
    quiet: Annotated[bool, switch("--quiet", "-q", help="Only show context names")] = False,
) -> None:
    """All of them, and which is in use."""
    current = context_name(session().wish, os.environ)
    contexts = sorted([_default(), *_store().list()], key=lambda each: natural(each.name))
    given = _TABLE if format in (None, "table") and not quiet else format
    layout = Format.read(given, _LAYOUT, quiet=quiet)
    sys.stdout.write(layout.render(_row(each, current) for each in contexts))
    _warn(f"To use a context, either set the global --context flag, or unset {_overriding()} environment variable.")


def _row(context: Context, current: str) -> Row:
    columns: dict[str, Value] = {
        "Current": context.name == current,
        "Description": context.description,
        "DockerEndpoint": context.host,
        "Error": "",
        "Name": context.name,
    }
    return Row(_LAYOUT.go_type, columns)


def show() -> None:
    """The name of the one in use."""
    print(context_name(session().wish, os.environ))


def use(context: Name) -> None:
    """Write down which is in use."""
    directory = session().configuration
    if context != DEFAULT:
        _store().get(context)
    document = read(directory)
    kept = {key: value for key, value in document.items() if key != "currentContext"}
    write(directory, kept if context == DEFAULT else {**kept, "currentContext": context})
    print(context)
    complain(f'Current context is now "{context}"')
    if context != DEFAULT:
        variable = _overriding()
        _warn(f'To use "{context}", either set the global --context flag, or unset {variable} environment variable.')


def inspect(
    contexts: Annotated[list[str] | None, operand("[CONTEXT] [CONTEXT...]")] = None,
    format: Annotated[
        str | None, value("--format", "-f", help="Format output using a custom template: 'json' or a Go template")
    ] = None,
) -> int:
    """What they are, as JSON or through a template."""
    template = parsed(format) if format and format != "json" else None
    found: list[JsonObject] = []
    failure: InvalidContext | None = None
    for name in contexts or [context_name(session().wish, os.environ)]:
        try:
            found.append(_document(_found(name)))
        except InvalidContext as error:
            failure = failure or error
    if template is None:
        compact = {"separators": (",", ":")} if format else {"indent": 4}
        print(html_safe(json.dumps(found, ensure_ascii=False, **compact)))
    else:
        for document in found:
            print(template.render(document))  # type: ignore[arg-type]  # JSON is a Value
    if failure is not None:
        raise failure
    return 0


def rm(
    contexts: Names,
    force: Annotated[bool, switch("--force", "-f", help="Force the removal of a context in use")] = False,
) -> int:
    """Forget them."""
    current = context_name(session().wish, os.environ)
    failures: list[str] = []
    for name in contexts:
        try:
            _remove(name, current, force=force)
        except InvalidContext as error:
            failures.append(str(error))
        else:
            print(name, flush=True)
    if failures:
        raise InvalidContext("\n".join(failures))
    return 0


def _remove(name: str, current: str, *, force: bool) -> None:
    if name == DEFAULT:
        raise InvalidContext('context "default" cannot be removed')
    if name == current and not force:
        raise InvalidContext(f'context "{name}" is in use, set -f flag to force remove')
    _store().remove(name)
    if read(session().configuration).get("currentContext") == name:
        document = read(session().configuration)
        write(session().configuration, {key: value for key, value in document.items() if key != "currentContext"})


def export(context: Name, file: Annotated[str | None, operand("[FILE|-]")] = None) -> None:
    """As a tar, with its keys."""
    from pyctl.app.copying.contexts import packed

    data = packed(_found(context))
    if file == "-":
        if sys.stdout.isatty():
            raise InvalidUsage("cowardly refusing to export to a terminal, specify a file path")
        sys.stdout.buffer.write(data)
        return
    path = Path(file or f"{context}.dockercontext")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as out:
            out.write(data)
    except OSError as error:
        raise InvalidUsage(f"open {path}: {(error.strerror or '').lower()}") from None
    complain(f'Written file "{path}"')


def import_(context: Name, file: Annotated[str, operand("FILE|-")]) -> None:
    """From what `export` has written, or a zip of the same."""
    from pyctl.app.copying.contexts import unpacked

    check_name(context)
    if _store().exists(context):
        raise InvalidContext(f'context "{context}" already exists')
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise InvalidUsage(f"open {file}: {(error.strerror or '').lower()}") from None
    _store().put(attrs.evolve(unpacked(data, file), name=context))
    _done(context, "imported")


def _store() -> ContextStore:
    return ContextStore(session().configuration)


def _done(name: str, what: str) -> None:
    print(name)
    complain(f'Successfully {what} context "{name}"')


def _found(name: str | None) -> Context:
    """A context; the default one is what flags and environment say. None is the one in use."""
    name = name or context_name(session().wish, os.environ)
    return _default() if name == DEFAULT else _store().get(name)


def _default() -> Context:
    host = choose_host(session().wish.host, os.environ)[0]
    return Context(DEFAULT, description=_ABOUT_DEFAULT, host=host)


def _document(context: Context) -> JsonObject:
    store = _store()
    is_default = context.name == DEFAULT
    meta = context.meta()
    return {
        **meta,
        **({"Metadata": {}} if is_default else {}),
        "TLSMaterial": {"docker": [*sorted(context.tls)]} if context.tls else {},
        "Storage": {
            "MetadataPath": "<IN MEMORY>" if is_default else str(store.meta_directory(context.name)),
            "TLSPath": "<IN MEMORY>" if is_default else str(store.tls_directory(context.name)),
        },
    }


def _with_endpoint(context: Context, given: list[Mapping[str, str]]) -> Context:
    """What ``--docker`` says. Raises `InvalidContext`."""
    settings = {key: text for each in given for key, text in each.items()}
    if not settings:
        return context
    failure = "unable to create docker endpoint config"
    for key in settings:
        if key not in _KEYS:
            raise InvalidContext(f"{failure}: unrecognized config key: {key}")
    if "from" in settings:
        other = _found(settings["from"])
        return attrs.evolve(context, host=other.host, skip_tls_verify=other.skip_tls_verify, tls=other.tls)
    host = settings.get("host", "")
    if host:
        parse_host(host)
    skip = settings.get("skip-tls-verify", "false").lower() in ("1", "t", "true")
    return attrs.evolve(context, host=host, skip_tls_verify=skip, tls=_files(settings, failure))


def _files(settings: Mapping[str, str], failure: str) -> dict[str, bytes]:
    try:
        return {_FILES[key]: Path(path).read_bytes() for key, path in settings.items() if key in _FILES and path}
    except OSError as error:
        raise CommandFailed(f"{failure}: open {error.filename}: {(error.strerror or '').lower()}", 1) from error


def _overriding() -> str:
    return "PYCTL_HOST" if os.environ.get("PYCTL_HOST") else "DOCKER_HOST"


def _warn(advice: str) -> None:
    if session().wish.context is None and any(os.environ.get(name) for name in ("PYCTL_HOST", "DOCKER_HOST")):
        complain(f"Warning: {_overriding()} environment variable overrides the active context. {advice}")
