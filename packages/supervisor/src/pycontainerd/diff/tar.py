"""Reading tars without Python's leniency: its tarfile takes whatever is not a header for the end of the archive."""

from __future__ import annotations

import tarfile
from typing import Self


class StrictEntry(tarfile.TarInfo):
    """For ``tarfile.open(tarinfo=…)``: an archive ends with its end marker (a block of zeros, tar(5)), and with nothing else.

    tarfile raises ReadError for anything but a header only at the very beginning; later it ends as if all were well, so that an archive
    that was cut short, or is damaged, would be half an archive in silence.
    """

    @classmethod
    def fromtarfile(cls, tarfile: tarfile.TarFile) -> Self:
        """The next header; the end marker raises what it always does. ReadError for anything else."""
        try:
            return super().fromtarfile(tarfile)
        except _HEADER_ERRORS as error:
            if isinstance(error, _END):
                raise
            raise _READ_ERROR(f"no header where one has to be ({error})") from error


# By names of their own, because tarfile's own name for the parameter above hides the module.
_HEADER_ERRORS, _READ_ERROR = tarfile.HeaderError, tarfile.ReadError
_END: type[Exception] = vars(tarfile)["EOFHeaderError"]  # not among what typeshed knows
