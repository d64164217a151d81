"""Questions and answers on the wire, by dnspython: only what is not known yet gets here, see `server`.

Source: RFC 1035, RFC 6891 (EDNS).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

import dns.exception
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.reversename
from attrs import frozen

from pydockerd.network.dns.names import Address
from pydockerd.network.dns.records import Records

TTL: Final = 600
"""Seconds, docker's."""
SMALLEST: Final = 512

SERVFAIL: Final = dns.rcode.SERVFAIL
FORMERR: Final = dns.rcode.FORMERR
NOTIMP: Final = dns.rcode.NOTIMP
_QUERY: Final = 0x80
_RECORD: Final = struct.Struct("!HHHIH")
_QUESTIONS_NAME: Final = 0xC00C
"""A pointer to byte 12."""
_KINDS: Final = {"A": dns.rdatatype.A, "AAAA": dns.rdatatype.AAAA}
_HEADER: Final = 12


@frozen
class Question:
    """What is asked: ``kind`` is ``A``, ``AAAA``, ``PTR``, or another one, which only others can answer. ``room`` are the bytes that an answer by UDP may have."""

    message: dns.message.Message
    name: str
    kind: str
    room: int

    @property
    def address(self) -> Address | None:
        """What a reverse look-up asks for."""
        try:
            return ip_address(dns.reversename.to_address(self.message.question[0].name))
        except (dns.exception.DNSException, ValueError):
            return None


def parse(data: bytes) -> Question | Records | None:
    """A question; or the answer that says why it is none; or None for what is not to be answered at all."""
    if len(data) < _HEADER or data[2] & _QUERY:
        return None
    try:
        message = dns.message.from_wire(data)
    except (dns.exception.DNSException, ValueError):
        return _bare(data, FORMERR)
    if message.opcode() != dns.opcode.QUERY:
        return _bare(data, NOTIMP)
    if len(message.question) != 1 or message.question[0].rdclass != dns.rdataclass.IN:
        return refuse(message, FORMERR if len(message.question) != 1 else NOTIMP)
    asked = message.question[0]
    return Question(
        message,
        asked.name.to_text(omit_final_dot=True).lower(),
        dns.rdatatype.to_text(asked.rdtype),
        max(SMALLEST, message.payload if message.edns >= 0 else SMALLEST),
    )


def addresses(question: Question, found: Iterable[str], room: int) -> Records:
    """The answer with these addresses; cut off, and marked so, where it has no room."""
    kind = _KINDS.get(question.kind, dns.rdatatype.NONE)  # those of no other kind have any
    return _records(question, [_record(kind, ip_address(text).packed) for text in found], room)


def pointer(question: Question, name: str, room: int) -> Records:
    """The answer of a reverse look-up."""
    return _records(question, [_record(dns.rdatatype.PTR, dns.name.from_text(name).to_wire() or b"")], room)


def refuse(message: dns.message.Message, code: dns.rcode.Rcode) -> Records:
    """An answer without one."""
    response = _response(message)
    response.set_rcode(code)
    return Records(response.to_wire()[2:])


def _records(question: Question, records: list[bytes], room: int) -> Records:
    """dnspython makes the message, and the records are put in here: making hundreds of them takes it longer than others can wait."""
    message = question.message
    wire = _response(message).to_wire()
    end = _HEADER + len(message.question[0].name.to_wire() or b"") + 4
    if len(wire) + sum(map(len, records)) > room:
        return Records(wire[2:end], (), wire[end:]).cut()
    counted = wire[2:6] + len(records).to_bytes(2) + wire[8:end]
    return Records(counted, tuple(records), wire[end:])


def _record(kind: int, data: bytes) -> bytes:
    return _RECORD.pack(_QUESTIONS_NAME, kind, dns.rdataclass.IN, TTL, len(data)) + data


def _response(message: dns.message.Message) -> dns.message.Message:
    return dns.message.make_response(message, recursion_available=True, our_payload=4096)


def _bare(data: bytes, code: dns.rcode.Rcode) -> Records:
    """An answer to something that could not be read: why."""
    return Records(bytes([_QUERY | (data[2] & 0x79), 0x80 | int(code)]) + bytes(8))
