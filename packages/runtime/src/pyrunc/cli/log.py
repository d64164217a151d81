"""Where errors go: to standard error or to the file of ``--log``, in the two formats of runc, which its callers read."""

from __future__ import annotations

import sys
from contextlib import suppress

from pyrunc.model import define, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TextIO


@define
class Log:
    """One line an entry. Not built on ``logging``, which takes longer to import than many a command runs."""

    format: Literal["text", "json"] = "text"
    debugging: bool = False
    file: TextIO | None = field(default=None, repr=False)
    """None is standard error."""

    @classmethod
    def open(cls, path: str, format: Literal["text", "json"], *, debug: bool) -> Log:
        """Raises OSError if the file cannot be written to. It stays open until the process ends."""
        file = open(path, "a", encoding="utf-8", errors="surrogateescape") if path else None  # noqa: SIM115
        log = cls(format, debug, file)
        if path or debug:
            log._listen()
        return log

    def failure(self, error: BaseException, prefix: str) -> None:
        """The end of a command. With a log file, standard error gets the bare message too, as callers of runc expect."""
        message = f"{prefix}: {error}" if prefix else str(error)
        if not _is_expected(error):
            message = (
                f"{prefix or 'pyrunc'}: unexpected {type(error).__name__}: {error}; please report this, with --debug"
            )
        self.write("error", message)
        if self.file is not None:
            print(message, file=sys.stderr)
        if self.debugging:
            from traceback import format_exception

            self.write("debug", "".join(format_exception(error)))

    def write(self, level: str, message: str) -> None:
        """Append one entry. A log that cannot be written to must not be what a command fails of."""
        target = self.file or sys.stderr
        with suppress(OSError):
            print(self._entry(level, message), file=target, flush=True)

    def _entry(self, level: str, message: str) -> str:
        from datetime import UTC, datetime
        from json import dumps

        time = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        if self.format == "json":
            return dumps({"level": level, "msg": message, "time": time})
        if self.file is None and sys.stderr.isatty():
            return f"pyrunc: {message}"
        return f'time="{time}" level={level} msg={dumps(message, ensure_ascii=False)}'

    def _listen(self) -> None:
        """Take in what the library logs: hooks that failed where that is not an error."""
        from pyrunc.cli.library_log import attach

        attach(self.write, debugging=self.debugging)


def _is_expected(error: BaseException) -> bool:
    from pyrunc.errors import PyruncError

    return isinstance(error, PyruncError | OSError | ValueError)
