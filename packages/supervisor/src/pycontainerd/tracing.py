"""Where the time goes: the runtime's spans, with the supervisor's among them, for who uses the supervisor.

with recording() as spans: everything that is awaited inside adds its steps to ``spans``.
"""

from __future__ import annotations

from pyrunc.tracing import Span, recording, span

__all__ = ["Span", "recording", "span"]
