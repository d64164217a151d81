"""The command ``pyrunc``: runc's commands, flags, output and exit codes over the library. One file for each command.

A runtime is started once for each container, so only the command that was asked for is imported, and that as late as it can be.
Exit codes are runc's: 1 for whatever fails, 255 for an ``exec`` that could not be started, else the code of the container's process.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from pyrunc.cli.command import Command
    from pyrunc.cli.log import Log
    from pyrunc.cli.options import Globals

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command in ``arguments`` (those of the process by default). Returns the exit code; no failure is raised out of it."""
    from pyrunc.cli.log import Log

    log, command = Log(), None
    try:
        from pyrunc.cli.command import load
        from pyrunc.cli.options import parse

        options = parse(sys.argv[1:] if arguments is None else arguments)
        log = Log.open(options.log, options.log_format, debug=options.debug)
        command = load(options.command)
        code = _run(command, options, log)
        sys.stdout.flush()
        return code
    except SystemExit as request:  # argparse, once it has printed the help
        return request.code if isinstance(request.code, int) else 1
    except BaseException as error:
        return _failed(error, command, log)


def program() -> NoReturn:
    """The program ``pyrunc`` itself: main, and the end of the process, without what Python does for programs that live longer.

    Nothing here makes garbage in cycles worth looking for, and the kernel frees memory faster than Python clears its modules: together
    that is a fifth of the time of ``pyrunc run``.
    """
    import gc
    import os

    gc.disable()
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # some Pythons keep what main could not write, and try again here
        code = code or 1
    os._exit(code)


def _run(command: Command, options: Globals, log: Log) -> int:
    arguments = command.parser().parse_args(options.rest)
    if not options.debug:
        return command.run(arguments, options)
    from pyrunc.tracing import recording

    with recording() as spans:
        try:
            return command.run(arguments, options)
        finally:
            for span in spans:
                log.write("debug", f"{span.layer}: {span.name} took {span.milliseconds:.2f} ms")


def _failed(error: BaseException, command: Command | None, log: Log) -> int:
    """What the user is told, and the exit code. A traceback is only ever written to the log of ``--debug``."""
    if isinstance(error, KeyboardInterrupt):
        return _INTERRUPTED
    if isinstance(error, BrokenPipeError):
        _leave_stdout()
        return 1
    log.failure(error, command.failed if command is not None else "")
    return command.code if command is not None else 1


def _leave_stdout() -> None:
    """Nobody reads what is printed any more, and the interpreter would complain of that once more when it ends."""
    import os

    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)
