"""Hook programs that run in the caller's namespaces: prestart, createRuntime, poststart, poststop (config.md, POSIX-platform Hooks).

Those of the container's namespaces (createContainer, startContainer) are operations of the plan.
"""

from __future__ import annotations

import os

from pyrunc.errors import HookFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyrunc.spec.hooks import Hook

_SHOWN = 4096
"""Bytes of a failed hook's output that its error repeats."""


def run_hooks(hooks: Sequence[Hook], at: str, state: str) -> None:
    """Run all hooks of the point ``at`` (``hooks.poststart``) in order, each with ``state`` on its standard input.

    Raises HookFailed for the first that cannot be run, exits with another code than 0, or takes longer than its timeout; it is killed then,
    and those after it are not run.
    """
    for index, hook in enumerate(hooks):
        _run(hook, f"{at}[{index}]", state)


def run_all_hooks(hooks: Sequence[Hook], at: str, state: str) -> list[HookFailed]:
    """As run_hooks, but one that fails does not keep the others from running (runtime.md, Lifecycle, poststop). Returns the failures."""
    failures = []
    for index, hook in enumerate(hooks):
        try:
            _run(hook, f"{at}[{index}]", state)
        except HookFailed as failure:
            failures.append(failure)
    return failures


def _run(hook: Hook, path: str, state: str) -> None:
    # Few containers have hooks, and subprocess is slow to import.
    import subprocess

    # A file and not a pipe: a hook may leave a daemon behind, which would hold a pipe open for ever.
    with open(os.memfd_create("hook-output"), "w+b") as output:
        try:
            done = subprocess.run(
                hook.args or (hook.path,),
                executable=hook.path,
                input=state.encode(),
                stdout=output,
                stderr=output,
                env=dict(entry.partition("=")[::2] for entry in hook.env),
                timeout=hook.timeout,
            )
        except subprocess.TimeoutExpired as error:
            raise HookFailed(
                path, hook.path, f"took longer than {hook.timeout} seconds", _tail(output.fileno())
            ) from error
        except OSError as error:
            raise HookFailed(path, hook.path, f"could not be run: {error.strerror}") from error
        if done.returncode:
            raise HookFailed(path, hook.path, _how(done.returncode), _tail(output.fileno()))


def _how(returncode: int) -> str:
    return f"was killed by signal {-returncode}" if returncode < 0 else f"exit status {returncode}"


def _tail(output: int) -> str:
    size = os.fstat(output).st_size
    return os.pread(output, _SHOWN, max(0, size - _SHOWN)).decode(errors="replace")
