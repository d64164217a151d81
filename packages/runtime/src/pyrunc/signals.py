"""Signals: the functions and numbers of the module signal, by its C half.

``import signal`` makes an enumeration of each number, and imports enum for it: together a fifteenth of the time of ``pyrunc run``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from signal import SIGKILL, SIGTERM, pidfd_send_signal
else:
    from _signal import SIGKILL, SIGTERM, pidfd_send_signal

__all__ = ["SIGKILL", "SIGTERM", "pidfd_send_signal"]
