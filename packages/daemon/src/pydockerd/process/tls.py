"""TLS at the daemon's door, by dockerd's flags: who may come in over TCP.

Whoever may write to the API is root on the machine. So TCP is for clients that prove who they are by a certificate of ``--tlscacert``
(``--tlsverify``). Anything less has to be said twice: ``--tls --tlsverify=false`` lets in whoever comes, encrypted; ``-H tcp://… --tls=false`` lets in
whoever comes, and everybody on the way read along. Source: dockerd(8); moby's deprecation "Unauthenticated TCP connections".
"""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from pydockerd.errors import StartupError
from pydockerd.settings import TlsSettings

logger = logging.getLogger("pydockerd.access")


class _Telling(ssl.SSLObject):
    """One connection's TLS. asyncio tells nobody of a client that is not let in."""

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            reason = getattr(error, "verify_message", "") or error.reason or "unknown"
            logger.warning("refused: a client on TLS: %s", str(reason).lower().replace("_", " "))
            raise


def check_tcp(address: str, settings: TlsSettings) -> None:
    """Refuse a TCP address whose protection was not decided. StartupError."""
    if settings.enabled is False and settings.verify is True:
        raise StartupError("--tls=false and --tlsverify contradict each other")
    if settings.verify or settings.enabled is False or settings.verify is False:
        return
    raise StartupError(
        f"-H {address}: whoever reaches it would be root on this machine: use --tlsverify with --tlscacert, --tlscert and --tlskey, so that only clients "
        "with a certificate come in; or say --tlsverify=false (TLS for anybody) or --tls=false (no TLS at all) if that is what you want"
    )


def server_context(settings: TlsSettings) -> ssl.SSLContext | None:
    """How TCP connections are encrypted; None where they are not. StartupError for files that cannot be used."""
    if settings.enabled is False or (settings.enabled is None and settings.verify is None):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslobject_class = _Telling
    _check_readable("--tlscert", settings.certificate)
    _check_readable("--tlskey", settings.key)
    try:
        context.load_cert_chain(settings.certificate, settings.key)
    except (ssl.SSLError, OSError) as error:
        raise StartupError(f"--tlscert {settings.certificate}, --tlskey {settings.key}: {_reason(error)}") from error
    if settings.verify:
        _require_certificates(context, settings.authority)
    return context


def _require_certificates(context: ssl.SSLContext, authority: Path) -> None:
    _check_readable("--tlscacert", authority)
    try:
        context.load_verify_locations(authority)
    except (ssl.SSLError, OSError) as error:
        raise StartupError(f"--tlscacert {authority}: {_reason(error)}") from error
    context.verify_mode = ssl.CERT_REQUIRED


def _check_readable(flag: str, path: Path) -> None:
    """OpenSSL does not say which file it misses."""
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise StartupError(f"{flag} {path}: {error.strerror}") from error


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or str(error)
