"""Further processes in a container: what a client asks for and what it is shown."""

from __future__ import annotations

from attrs import frozen

from pydockerd.models.wire import Words, wire


@frozen(kw_only=True)
class ExecCreate:
    """Body of ContainerExec."""

    attach_stdin: bool = False
    attach_stdout: bool = False
    attach_stderr: bool = False
    console_size: tuple[int, ...] | None = None
    detach_keys: str = ""
    tty: bool = False
    env: tuple[str, ...] = ()
    cmd: Words = Words()  # noqa: RUF009
    privileged: bool = False
    user: str = ""
    working_dir: str = ""


@frozen(kw_only=True)
class ExecStart:
    """Body of ExecStart; ``console_size`` is (rows, columns)."""

    detach: bool = False
    tty: bool = False
    console_size: tuple[int, ...] | None = None


@frozen(kw_only=True)
class ExecId:
    """Source: definition IDResponse."""

    id: str


@frozen(kw_only=True)
class ProcessConfig:
    """Source: definition ProcessConfig; these names are lower case in the API."""

    tty: bool = wire("tty")
    entrypoint: str = wire("entrypoint")
    arguments: tuple[str, ...] = wire("arguments")
    privileged: bool = wire("privileged")
    user: str = wire("user", default="", omit_empty=True)


@frozen(kw_only=True)
class ExecInspect:
    """Answer of ExecInspect."""

    id: str = wire("ID")
    running: bool
    exit_code: int | None
    process_config: ProcessConfig
    open_stdin: bool
    open_stderr: bool
    open_stdout: bool
    can_remove: bool = False
    container_id: str = wire("ContainerID")
    detach_keys: str = ""
    pid: int
