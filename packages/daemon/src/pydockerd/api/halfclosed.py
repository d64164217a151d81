"""Half-closed connections on TLS: a client that sends no more, and reads on (``echo hi | docker --tlsverify run -i …``).

asyncio answers the end of what a client sends over TLS by closing both directions, whatever is still to be sent; it has no way to ask for anything else
("returning true from eof_received() has no effect when using ssl"). Clients half-close in two ways: by
TLS's own alert ``close_notify`` (Go), or beneath TLS (docker-py, older Go). So for a connection that was taken over, the two methods by which asyncio's
protocol would begin to close are put in front of by ours, which close only when the daemon itself does. tests/daemon/doors has real clients that notice
if a version of Python changes what is relied on here.
"""

from __future__ import annotations

import asyncio
from typing import Any


def keep_open_after_eof(transport: asyncio.Transport) -> None:
    """From now on the end of what the client sends is told to the protocol, and closes nothing. Does nothing to what is not TLS."""
    protocol: Any = getattr(transport, "_ssl_protocol", None)
    if protocol is None:
        return
    shut_down = protocol._start_shutdown

    def start_shutdown() -> None:
        if transport.is_closing():  # the daemon closes it; otherwise it is the client's close_notify
            shut_down()

    def eof_received() -> bool:
        protocol._call_eof_received()
        return True  # asyncio closes nothing then; whether the client is gone for good is watched for by who took the connection over

    protocol._start_shutdown = start_shutdown
    protocol.eof_received = eof_received
