"""A thread with a umask of its own."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_FS = 0x200


def start_without_umask(work: Callable[[], None], name: str) -> Future[None]:
    """Run ``work`` in a new thread in which files are made with exactly the modes that are asked for.

    A umask belongs to a whole process, and it is the host program's. unshare(2) with CLONE_FS gives the thread, which ends with the work,
    one of its own (and a working directory, which is not used). OSError comes out of the future if that is forbidden.
    """
    done: Future[None] = Future()

    def run() -> None:
        try:
            if _libc.unshare(_CLONE_FS) < 0:
                error = ctypes.get_errno()
                raise OSError(error, os.strerror(error), "unshare(CLONE_FS)")
            os.umask(0)
            work()
        except BaseException as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=run, name=name, daemon=True).start()
    return done
