"""Modbus responses to bytes and back (application protocol V1.1b3, sections 6 and 7).

A response is decoded against its request, and what does not answer it raises `PeerProtocolError`.
Registers and bits stay as bytes, so that a whole response is turned into values in one step.
"""

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

from gateway.errors import PeerProtocolError
from gateway.protocols.modbus.pdu import (
    EXCEPTION_FLAG,
    FILE_REFERENCE,
    IDENTIFICATION,
    MEANINGS,
    Function,
    pack_bits,
    pack_registers,
    unpack_bits,
    unpack_registers,
)
from gateway.protocols.modbus.requests import (
    Identify,
    MaskWriteRegister,
    ReadBits,
    ReadFile,
    ReadRegisters,
    ReadWriteRegisters,
    Request,
    WriteCoil,
    WriteCoils,
    WriteFile,
    WriteRegister,
    WriteRegisters,
    encode_request,
    function_of,
)

_EXCEPTION_BYTES: Final = 2
_SPAN: Final = struct.Struct(">BHH")
_IDENTITY: Final = struct.Struct(">BBBBBBB")
_MORE: Final = 0xFF


@dataclass(frozen=True, slots=True)
class BitsRead:
    """Response to functions 1 and 2; the first bit is the lowest of the first byte."""

    function: Function
    packed: bytes
    count: int

    @classmethod
    def of(cls, function: Function, values: tuple[bool, ...]) -> Self:
        """Return the response that carries these bits."""
        return cls(function, pack_bits(values), len(values))

    @property
    def values(self) -> tuple[bool, ...]:
        """The bits."""
        return unpack_bits(self.packed, self.count)


class RegistersRead(NamedTuple):  # made for each read: takes half of a dataclass's time
    """Response to functions 3, 4 and 23."""

    function: Function
    packed: bytes

    @classmethod
    def of(cls, function: Function, values: tuple[int, ...]) -> Self:
        """Return the response that carries these registers."""
        return cls(function, pack_registers(values))

    @property
    def values(self) -> tuple[int, ...]:
        """The registers."""
        return unpack_registers(self.packed)


@dataclass(frozen=True, slots=True)
class BlockWritten:
    """Response to functions 15 and 16: what was written where, without the values."""

    function: Function
    address: int
    count: int


@dataclass(frozen=True, slots=True)
class FileRead:
    """Response to function 20: the bytes of each stretch."""

    records: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Identity:
    """Response to function 43/14: objects by their ids (0 vendor, 1 product, 2 revision, …)."""

    code: int
    conformity: int
    objects: tuple[tuple[int, bytes], ...]
    next_id: int | None = None
    """Object to ask for next, where not all fit into this response."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Exception response; `code` is mostly an `ExceptionCode`, but devices invent their own."""

    function: int
    code: int

    def __str__(self) -> str:
        """Return the code and its meaning."""
        meaning = MEANINGS.get(self.code, "unknown")
        return f"exception {self.code} ({meaning}) to function {self.function}"


Echo = WriteCoil | WriteRegister | MaskWriteRegister | WriteFile
"""Requests whose response is their own copy."""

Response = BitsRead | RegistersRead | BlockWritten | FileRead | Identity | Echo | Refused


# -- encode -------------------------------------------------------------------------------------
def encode_response(response: Response) -> bytes:
    """Return the PDU of a response."""
    match response:
        case BitsRead() | RegistersRead():
            return bytes((response.function, len(response.packed))) + response.packed
        case BlockWritten():
            return _SPAN.pack(response.function, response.address, response.count)
        case FileRead():
            groups = b"".join(
                bytes((1 + len(record), FILE_REFERENCE)) + record for record in response.records
            )
            return bytes((Function.READ_FILE_RECORD, len(groups))) + groups
        case Identity():
            return _encode_identity(response)
        case Refused():
            return bytes((response.function | EXCEPTION_FLAG, response.code))
        case _:
            return encode_request(response)


def _encode_identity(identity: Identity) -> bytes:
    more, next_id = (0, 0) if identity.next_id is None else (_MORE, identity.next_id)
    head = _IDENTITY.pack(
        Function.ENCAPSULATED_INTERFACE, IDENTIFICATION, identity.code, identity.conformity,
        more, next_id, len(identity.objects),
    )  # fmt: skip
    return head + b"".join(bytes((key, len(text))) + text for key, text in identity.objects)


# -- decode -------------------------------------------------------------------------------------
def decode_response(pdu: bytes, request: Request) -> Response:
    """Return the response of a PDU to this request.

    Raises:
        PeerProtocolError: It does not answer this request: another function, a byte count that
            does not fit what was asked, an echo that differs.
    """
    function = function_of(request)
    if not pdu or pdu[0] & ~EXCEPTION_FLAG != function:
        found = f"function {pdu[0]}" if pdu else "an empty PDU"
        raise PeerProtocolError(f"{found} in the response to function {int(function)}")
    if pdu[0] & EXCEPTION_FLAG:
        if len(pdu) != _EXCEPTION_BYTES:
            raise PeerProtocolError(
                f"exception response of {len(pdu)} bytes: expected {_EXCEPTION_BYTES}"
            )
        return Refused(function, pdu[1])
    match request:
        case ReadRegisters() | ReadWriteRegisters():
            return RegistersRead(function, _read_payload(pdu, 2 * request.count))
        case ReadBits():
            packed = _read_payload(pdu, -(-request.count // 8))
            return BitsRead(function, packed, request.count)
        case WriteCoils() | WriteRegisters():
            written = BlockWritten(function, request.address, len(request.values))
            _check_echo(pdu, encode_response(written))
            return written
        case ReadFile():
            return _decode_file(pdu, request)
        case Identify():
            return _decode_identity(pdu)
        case _:
            _check_echo(pdu, encode_request(request))
            return request


def _read_payload(pdu: bytes, expected: int) -> bytes:
    payload = pdu[2:]
    announced = pdu[1] if len(pdu) > 1 else 0
    if announced != expected or len(payload) != expected:
        raise PeerProtocolError(
            f"byte count {announced} before {len(payload)} bytes: expected {expected} for both"
        )
    return payload


def _check_echo(pdu: bytes, expected: bytes) -> None:
    if pdu != expected:
        raise PeerProtocolError(f"echo {pdu.hex(' ')}: expected {expected.hex(' ')}")


def _decode_file(pdu: bytes, request: ReadFile) -> FileRead:
    groups = _read_payload(pdu, sum(2 + 2 * span.count for span in request.spans))
    records, place = [], 0
    for span in request.spans:
        size = 2 * span.count
        if groups[place : place + 2] != bytes((1 + size, FILE_REFERENCE)):
            raise PeerProtocolError(f"a record that is not the {span.count} registers asked for")
        records.append(groups[place + 2 : place + 2 + size])
        place += 2 + size
    return FileRead(tuple(records))


def _decode_identity(pdu: bytes) -> Identity:
    if len(pdu) < _IDENTITY.size or pdu[1] != IDENTIFICATION:
        raise PeerProtocolError(f"identification of {len(pdu)} bytes, kind {pdu[1:2].hex()}")
    _, _, code, conformity, more, next_id, count = _IDENTITY.unpack_from(pdu)
    objects, place = [], _IDENTITY.size
    for _ in range(count):
        end = place + 2 + pdu[place + 1] if place + 1 < len(pdu) else len(pdu) + 1
        if end > len(pdu):
            raise PeerProtocolError("identification objects beyond the end of the response")
        objects.append((pdu[place], pdu[place + 2 : end]))
        place = end
    if place != len(pdu):
        raise PeerProtocolError(f"{len(pdu) - place} bytes after the identification")
    return Identity(code, conformity, tuple(objects), next_id if more == _MORE else None)
