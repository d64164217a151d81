"""Where the time goes: the runtime's spans, with the supervisor's among them, for who uses the supervisor.

with recording() as spans: everything that is awaited inside adds its steps to ``spans``. ``observe`` watches the steps of all.
"""

from __future__ import annotations

from pyrunc.tracing import Span, observe, recording, span

__all__ = ["Span", "observe", "recording", "span"]
