"""hooks: the three points that come between the first system call and the program; poststart and poststop are the caller's."""

from __future__ import annotations

from collections.abc import Iterator

from pyrunc import plan as op
from pyrunc.compile.request import Request
from pyrunc.jsontext import dumps
from pyrunc.plan import Operation
from pyrunc.spec import Hook


def hooks_before_pivot(request: Request) -> Iterator[Operation]:
    """prestart and createRuntime run in the caller's namespaces, so the plan only stops for them; createContainer runs in the container's."""
    hooks = request.spec.hooks
    if hooks is None:
        return
    if hooks.prestart:
        yield op.Sync(path="hooks.prestart", point="prestart")
    if hooks.create_runtime:
        yield op.Sync(path="hooks.createRuntime", point="createRuntime")
    yield from _run(request, "createContainer", hooks.create_container, "creating")


def hooks_at_start(request: Request) -> Iterator[Operation]:
    """startContainer: after ``start`` was asked for, right before the program, as its user and under its filter, as runc has it."""
    if request.spec.hooks is not None:
        yield from _run(request, "startContainer", request.spec.hooks.start_container, "created")


def _run(request: Request, point: str, hooks: tuple[Hook, ...], status: str) -> Iterator[Operation]:
    for index, hook in enumerate(hooks):
        yield op.Hook(
            path=f"hooks.{point}[{index}]",
            program=hook.path,
            argv=hook.args or (hook.path,),
            env=hook.env,
            state=_state(request, status),
            timeout=hook.timeout or 0,
        )


def _state(request: Request, status: str) -> str:
    """The state that a hook reads (runtime.md, State). The pid comes first: an annotation that looks like its mark is behind it."""

    rest: dict[str, object] = {
        "ociVersion": request.spec.oci_version,
        "id": request.id,
        "status": status,
        "bundle": request.bundle,
    }
    if request.spec.annotations:
        rest["annotations"] = dict(request.spec.annotations)
    return f'{{"pid":@PID@,{dumps(rest)[1:]}'
