"""Questions and answers on the wire, by dnspython: only what is not known yet gets here, see `server`.

Source: RFC 1035, RFC 6891 (EDNS).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.reversename
import dns.rrset
from attrs import frozen

from pydockerd.network.dns.names import Address

TTL: Final = 600
"""Seconds, docker's."""
SMALLEST: Final = 512
LARGEST: Final = 65535

SERVFAIL: Final = dns.rcode.SERVFAIL
FORMERR: Final = dns.rcode.FORMERR
NOTIMP: Final = dns.rcode.NOTIMP
_QUERY: Final = 0x80
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


def parse(data: bytes) -> Question | bytes | None:
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


def addresses(question: Question, found: Iterable[str], room: int) -> bytes:
    """The answer with these addresses; cut off, and marked so, where it has no room."""
    return _answer(question, question.kind, found, room)


def pointer(question: Question, name: str, room: int) -> bytes:
    """The answer of a reverse look-up."""
    return _answer(question, "PTR", [f"{name}."], room)


def refuse(message: dns.message.Message, code: dns.rcode.Rcode) -> bytes:
    """An answer without one."""
    response = _response(message)
    response.set_rcode(code)
    return response.to_wire()


def _answer(question: Question, kind: str, found: Iterable[str], room: int) -> bytes:
    response = _response(question.message)
    texts = list(found)
    if texts:
        name = question.message.question[0].name
        response.answer.append(dns.rrset.from_text_list(name, TTL, "IN", kind, texts))
    try:
        return response.to_wire(max_size=room)
    except dns.exception.TooBig:
        response.answer.clear()
        response.flags |= dns.flags.TC
        return response.to_wire(max_size=room)


def _response(message: dns.message.Message) -> dns.message.Message:
    return dns.message.make_response(message, recursion_available=True, our_payload=4096)


def _bare(data: bytes, code: dns.rcode.Rcode) -> bytes:
    """An answer to something that could not be read: its number, and why."""
    return data[:2] + bytes([_QUERY | (data[2] & 0x79), 0x80 | int(code)]) + bytes(8)
