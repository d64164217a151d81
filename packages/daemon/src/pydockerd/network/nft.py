"""nftables in this process: libnftables, which the command nft(8) is a thin skin of. One call is one transaction of the kernel.

By ctypes, because five functions need no more: cffi would bring a parser of C, and take longer to import than the rest of this package.
"""

from __future__ import annotations

import ctypes
import logging
from typing import Any, Final

from pydockerd.errors import InternalError

_logger = logging.getLogger(__name__)
_LIBRARY: Final = "libnftables.so.1"
_HINT: Final = (
    "bridge networks need nftables: install libnftables1 (Debian, Ubuntu: apt-get install libnftables1; Fedora: dnf install nftables), "
    "or use --network host or none"
)


class Nftables:
    """Everything blocks, and is for one thread at a time. The library is loaded at the first use."""

    def __init__(self, name: str = _LIBRARY) -> None:
        self._name = name
        self._library: Any = None
        self._context: Any = None

    def run(self, text: str) -> None:
        """Run the commands as one transaction. InternalError with nft's own words, or with what to install."""
        library, context = self._open()
        _logger.debug("nft: %s", text)
        if library.nft_run_cmd_from_buffer(context, text.encode()) != 0:
            said = (library.nft_ctx_get_error_buffer(context) or b"").decode(errors="replace")
            first = next((line for line in said.splitlines() if "Error" in line), said.strip() or "no reason given")
            raise InternalError(f"the packet rules could not be changed: nftables: {first}")

    def close(self) -> None:
        """Give back what the library holds."""
        if self._context is not None:
            self._library.nft_ctx_free(self._context)
            self._context = None

    def _open(self) -> tuple[Any, Any]:
        if self._context is None:
            library = self._library = _load(self._name)
            context = library.nft_ctx_new(0)
            if not context:
                raise InternalError("the packet rules could not be changed: libnftables does not start")
            library.nft_ctx_buffer_error(context)
            library.nft_ctx_buffer_output(context)
            self._context = context
        return self._library, self._context


def _load(name: str) -> Any:
    try:
        library = ctypes.CDLL(name)
    except OSError as error:
        raise InternalError(f"{error}: {_HINT}") from error
    library.nft_ctx_new.restype = ctypes.c_void_p
    library.nft_ctx_new.argtypes = [ctypes.c_uint32]
    library.nft_ctx_free.argtypes = [ctypes.c_void_p]
    library.nft_ctx_buffer_error.argtypes = [ctypes.c_void_p]
    library.nft_ctx_buffer_output.argtypes = [ctypes.c_void_p]
    library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
    library.nft_ctx_get_error_buffer.argtypes = [ctypes.c_void_p]
    library.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    return library
