"""The end of ``run --trace``: fetch what the daemon recorded, and print everything on one time axis."""

from __future__ import annotations

import time

from pyctl.app.format.waterfall import waterfall
from pyctl.app.session import complain, session
from pyctl.errors import PyctlError
from pyctl.models.system import Span
from pyctl.tracing import Tracer


def report(tracer: Tracer) -> None:
    """Print the waterfall of this command on standard error."""
    command = Span(layer="client", name="pyctl run", start_ns=session().started_ns, end_ns=time.monotonic_ns())
    own = list(tracer.spans)  # before the request below adds itself
    try:
        theirs = session().client.system.trace(tracer.trace_id)
    except PyctlError as error:
        # Another daemon than pydockerd records nothing; what this side measured is still worth showing.
        complain(f"No trace of the daemon: {error}")
        theirs = []
    complain(waterfall([command, *own, *theirs]))
