"""Modbus requests to bytes and back (application protocol V1.1b3, section 6).

    ReadRegisters(READ_HOLDING_REGISTERS, address=107, count=3)  <->  03 00 6B 00 03

Addresses are those of the frame, counted from 0. Encoding trusts its argument (the dataclasses
check their bounds); decoding trusts nothing: what a server must answer with an exception code
raises `RequestError`, what is no PDU at all `PeerProtocolError`.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.errors import PeerProtocolError
from gateway.protocols.modbus.limits import (
    ADDRESSES,
    FILE_BYTES_MAX,
    FILE_BYTES_MIN,
    FILE_RECORDS,
    PDU_BYTES_MAX,
    READ_BITS_MAX,
    READ_REGISTERS_MAX,
    READ_WRITE_REGISTERS_MAX,
    WRITE_BITS_MAX,
    WRITE_REGISTERS_MAX,
)
from gateway.protocols.modbus.pdu import (
    COIL_ON,
    FILE_REFERENCE,
    IDENTIFICATION,
    REGISTER_MAX,
    ExceptionCode,
    Function,
    RequestError,
    SpanError,
    pack_bits,
    pack_registers,
    unpack_bits,
    unpack_registers,
)

_READ_BITS: Final = (Function.READ_COILS, Function.READ_DISCRETE_INPUTS)
_READ_REGISTERS: Final = (Function.READ_HOLDING_REGISTERS, Function.READ_INPUT_REGISTERS)
_SPAN: Final = struct.Struct(">BHH")
_BLOCK: Final = struct.Struct(">BHHB")
_MASK: Final = struct.Struct(">BHHH")
_READ_WRITE: Final = struct.Struct(">BHHHHB")
_GROUP: Final = struct.Struct(">BHHH")
_IDENTIFY: Final = struct.Struct(">BBBB")


def _check_span(address: int, count: int, count_max: int) -> None:
    if not 1 <= count <= count_max:
        raise ValueError(f"count {count}: expected 1 to {count_max}")
    if not 0 <= address <= ADDRESSES - count:
        raise SpanError(f"address {address}: expected 0 to {ADDRESSES - count} for {count}")


def _check_registers(values: tuple[int, ...]) -> None:
    for value in values:
        if not 0 <= value <= REGISTER_MAX:
            raise ValueError(f"register value {value}: expected 0 to {REGISTER_MAX}")


@dataclass(frozen=True, slots=True)
class ReadBits:
    """Functions 1 and 2: read 1 to 2000 coils or discrete inputs."""

    function: Function
    address: int
    count: int

    def __post_init__(self) -> None:
        """Check the bounds."""
        if self.function not in _READ_BITS:
            raise ValueError(f"function {self.function}: expected 1 or 2")
        _check_span(self.address, self.count, READ_BITS_MAX)


@dataclass(frozen=True, slots=True)
class ReadRegisters:
    """Functions 3 and 4: read 1 to 125 holding or input registers."""

    function: Function
    address: int
    count: int

    def __post_init__(self) -> None:
        """Check the bounds."""
        if self.function not in _READ_REGISTERS:
            raise ValueError(f"function {self.function}: expected 3 or 4")
        _check_span(self.address, self.count, READ_REGISTERS_MAX)


@dataclass(frozen=True, slots=True)
class WriteCoil:
    """Function 5: write one coil; the response is the same."""

    address: int
    value: bool

    def __post_init__(self) -> None:
        """Check the bounds."""
        _check_span(self.address, 1, 1)


@dataclass(frozen=True, slots=True)
class WriteRegister:
    """Function 6: write one holding register; the response is the same."""

    address: int
    value: int

    def __post_init__(self) -> None:
        """Check the bounds."""
        _check_span(self.address, 1, 1)
        _check_registers((self.value,))


@dataclass(frozen=True, slots=True)
class WriteCoils:
    """Function 15: write 1 to 1968 coils."""

    address: int
    values: tuple[bool, ...]

    def __post_init__(self) -> None:
        """Check the bounds."""
        _check_span(self.address, len(self.values), WRITE_BITS_MAX)


@dataclass(frozen=True, slots=True)
class WriteRegisters:
    """Function 16: write 1 to 123 holding registers."""

    address: int
    values: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check the bounds."""
        _check_span(self.address, len(self.values), WRITE_REGISTERS_MAX)
        _check_registers(self.values)


@dataclass(frozen=True, slots=True)
class MaskWriteRegister:
    """Function 22: a holding register becomes (it AND and_mask) OR (or_mask AND NOT and_mask).

    The response is the same.
    """

    address: int
    and_mask: int
    or_mask: int

    def __post_init__(self) -> None:
        """Check the bounds."""
        _check_span(self.address, 1, 1)
        _check_registers((self.and_mask, self.or_mask))


@dataclass(frozen=True, slots=True)
class ReadWriteRegisters:
    """Function 23: write 1 to 121 holding registers, then read 1 to 125."""

    address: int
    count: int
    write_address: int
    values: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check the bounds."""
        _check_span(self.address, self.count, READ_REGISTERS_MAX)
        _check_span(self.write_address, len(self.values), READ_WRITE_REGISTERS_MAX)
        _check_registers(self.values)


@dataclass(frozen=True, slots=True)
class FileSpan:
    """A stretch of registers of a file."""

    file: int
    record: int
    count: int

    def __post_init__(self) -> None:
        """Check the bounds."""
        if not 1 <= self.file <= REGISTER_MAX:
            raise SpanError(f"file {self.file}: expected 1 to {REGISTER_MAX}")
        if not 0 <= self.record <= FILE_RECORDS - self.count:
            raise SpanError(f"record {self.record}: expected 0 to {FILE_RECORDS - self.count}")


@dataclass(frozen=True, slots=True)
class ReadFile:
    """Function 20: read stretches of files."""

    spans: tuple[FileSpan, ...]

    def __post_init__(self) -> None:
        """Check the bounds, those of the response too."""
        _check_file_bytes(_GROUP.size * len(self.spans))
        if sum(2 + 2 * span.count for span in self.spans) > FILE_BYTES_MAX:
            raise ValueError(f"a response of more than {FILE_BYTES_MAX} bytes")


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Registers of a file, as bytes."""

    span: FileSpan
    packed: bytes


@dataclass(frozen=True, slots=True)
class WriteFile:
    """Function 21: write stretches of files; the response is the same."""

    records: tuple[FileRecord, ...]

    def __post_init__(self) -> None:
        """Check the bounds."""
        _check_file_bytes(sum(_GROUP.size + len(record.packed) for record in self.records))


@dataclass(frozen=True, slots=True)
class Identify:
    """Function 43/14: read a device's identification.

    `code` 1, 2, 3 asks for the basic, regular or extended objects from `object_id` on, 4 for one.
    """

    code: int = 1
    object_id: int = 0

    def __post_init__(self) -> None:
        """Check the bounds."""
        if not 1 <= self.code <= 4:  # noqa: PLR2004
            raise ValueError(f"identification code {self.code}: expected 1 to 4")


def _check_file_bytes(size: int) -> None:
    if not FILE_BYTES_MIN <= size <= FILE_BYTES_MAX:
        raise ValueError(f"{size} bytes: expected {FILE_BYTES_MIN} to {FILE_BYTES_MAX}")


Request = (
    ReadBits
    | ReadRegisters
    | WriteCoil
    | WriteRegister
    | WriteCoils
    | WriteRegisters
    | MaskWriteRegister
    | ReadWriteRegisters
    | ReadFile
    | WriteFile
    | Identify
)

_FUNCTIONS: Final[dict[type[object], Function]] = {
    WriteCoil: Function.WRITE_SINGLE_COIL,
    WriteRegister: Function.WRITE_SINGLE_REGISTER,
    WriteCoils: Function.WRITE_MULTIPLE_COILS,
    WriteRegisters: Function.WRITE_MULTIPLE_REGISTERS,
    MaskWriteRegister: Function.MASK_WRITE_REGISTER,
    ReadWriteRegisters: Function.READ_WRITE_REGISTERS,
    ReadFile: Function.READ_FILE_RECORD,
    WriteFile: Function.WRITE_FILE_RECORD,
    Identify: Function.ENCAPSULATED_INTERFACE,
}


def function_of(request: Request) -> Function:
    """Return the function code of a request."""
    if isinstance(request, ReadBits | ReadRegisters):
        return request.function
    return _FUNCTIONS[type(request)]


# -- encode -------------------------------------------------------------------------------------
def encode_request(request: Request) -> bytes:
    """Return the PDU of a request."""
    function = function_of(request)
    match request:
        case ReadBits() | ReadRegisters():
            return _SPAN.pack(function, request.address, request.count)
        case WriteCoil():
            return _SPAN.pack(function, request.address, COIL_ON if request.value else 0)
        case WriteRegister():
            return _SPAN.pack(function, request.address, request.value)
        case WriteCoils():
            return _encode_block(function, request, pack_bits(request.values))
        case WriteRegisters():
            return _encode_block(function, request, pack_registers(request.values))
        case ReadFile() | WriteFile():
            groups = _encode_groups(request)
            return bytes((function, len(groups))) + groups
        case _:
            return _encode_rare(request)


def _encode_rare(request: MaskWriteRegister | ReadWriteRegisters | Identify) -> bytes:
    function = function_of(request)
    match request:
        case MaskWriteRegister():
            return _MASK.pack(function, request.address, request.and_mask, request.or_mask)
        case Identify():
            return _IDENTIFY.pack(function, IDENTIFICATION, request.code, request.object_id)
        case ReadWriteRegisters():
            packed = pack_registers(request.values)
            head = _READ_WRITE.pack(
                function, request.address, request.count,
                request.write_address, len(request.values), len(packed),
            )  # fmt: skip
            return head + packed


def _encode_groups(request: ReadFile | WriteFile) -> bytes:
    if isinstance(request, ReadFile):
        return b"".join(_encode_group(span) for span in request.spans)
    return b"".join(_encode_group(item.span) + item.packed for item in request.records)


def _encode_block(function: int, request: WriteCoils | WriteRegisters, packed: bytes) -> bytes:
    return _BLOCK.pack(function, request.address, len(request.values), len(packed)) + packed


def _encode_group(span: FileSpan) -> bytes:
    return _GROUP.pack(FILE_REFERENCE, span.file, span.record, span.count)


# -- decode -------------------------------------------------------------------------------------
def decode_request(pdu: bytes) -> Request:
    """Return the request of a PDU.

    Raises:
        RequestError: It is to be answered with this exception code.
        PeerProtocolError: The PDU is empty, or too long.
    """
    if not 1 <= len(pdu) <= PDU_BYTES_MAX:
        raise PeerProtocolError(f"PDU of {len(pdu)} bytes: expected 1 to {PDU_BYTES_MAX}")
    decode = _DECODERS.get(pdu[0])
    if decode is None:
        raise RequestError(pdu[0], ExceptionCode.ILLEGAL_FUNCTION)
    try:
        return decode(pdu)
    except SpanError:
        raise RequestError(pdu[0], ExceptionCode.ILLEGAL_DATA_ADDRESS) from None
    except (ValueError, struct.error):
        raise RequestError(pdu[0], ExceptionCode.ILLEGAL_DATA_VALUE) from None


def _decode_read_bits(pdu: bytes) -> Request:
    return ReadBits(Function(pdu[0]), *_SPAN.unpack(pdu)[1:])


def _decode_read_registers(pdu: bytes) -> Request:
    return ReadRegisters(Function(pdu[0]), *_SPAN.unpack(pdu)[1:])


def _decode_write_coil(pdu: bytes) -> WriteCoil:
    _, address, value = _SPAN.unpack(pdu)
    if value not in {0, COIL_ON}:
        raise ValueError(f"coil value 0x{value:04X}: expected 0x0000 or 0xFF00")
    return WriteCoil(address, value == COIL_ON)


def _decode_write_register(pdu: bytes) -> WriteRegister:
    return WriteRegister(*_SPAN.unpack(pdu)[1:])


def _decode_write_coils(pdu: bytes) -> Request:
    address, count, packed = _decode_block(pdu)
    if len(packed) != -(-count // 8):
        raise ValueError(f"{len(packed)} bytes for {count} coils")
    return WriteCoils(address, unpack_bits(packed, count))


def _decode_write_registers(pdu: bytes) -> Request:
    address, count, packed = _decode_block(pdu)
    if len(packed) != 2 * count:
        raise ValueError(f"{len(packed)} bytes for {count} registers")
    return WriteRegisters(address, unpack_registers(packed))


def _decode_block(pdu: bytes) -> tuple[int, int, bytes]:
    _, address, count, announced = _BLOCK.unpack_from(pdu)
    return address, count, _announced(pdu[_BLOCK.size :], announced)


def _announced(packed: bytes, announced: int) -> bytes:
    if announced != len(packed):
        raise ValueError(f"byte count {announced} before {len(packed)} bytes")
    return packed


def _decode_mask(pdu: bytes) -> MaskWriteRegister:
    return MaskWriteRegister(*_MASK.unpack(pdu)[1:])


def _decode_read_write(pdu: bytes) -> ReadWriteRegisters:
    _, address, count, write_address, write_count, announced = _READ_WRITE.unpack_from(pdu)
    packed = _announced(pdu[_READ_WRITE.size :], announced)
    if len(packed) != 2 * write_count:
        raise ValueError(f"{len(packed)} bytes for {write_count} registers")
    return ReadWriteRegisters(address, count, write_address, unpack_registers(packed))


def _decode_group(groups: bytes, start: int) -> FileSpan:
    reference, file, record, count = _GROUP.unpack_from(groups, start)
    if reference != FILE_REFERENCE:
        raise SpanError(f"reference type {reference}: expected {FILE_REFERENCE}")
    return FileSpan(file, record, count)


def _decode_read_file(pdu: bytes) -> ReadFile:
    groups = _announced(pdu[2:], pdu[1] if len(pdu) > 1 else 0)
    if len(groups) % _GROUP.size:
        raise ValueError(f"{len(groups)} bytes of groups of {_GROUP.size}")
    places = range(0, len(groups), _GROUP.size)
    return ReadFile(tuple(_decode_group(groups, place) for place in places))


def _decode_write_file(pdu: bytes) -> WriteFile:
    groups = _announced(pdu[2:], pdu[1] if len(pdu) > 1 else 0)
    records, place = [], 0
    while place < len(groups):
        span = _decode_group(groups, place)
        end = place + _GROUP.size + 2 * span.count
        if end > len(groups):
            raise ValueError(f"{len(groups) - place} bytes for a record of {span.count} registers")
        records.append(FileRecord(span, groups[place + _GROUP.size : end]))
        place = end
    return WriteFile(tuple(records))


def _decode_identify(pdu: bytes) -> Identify:
    if len(pdu) > 1 and pdu[1] != IDENTIFICATION:
        raise RequestError(pdu[0], ExceptionCode.ILLEGAL_FUNCTION)
    _, _, code, object_id = _IDENTIFY.unpack(pdu)
    return Identify(code, object_id)


_DECODERS: Final[dict[int, Callable[[bytes], Request]]] = {
    Function.READ_COILS: _decode_read_bits,
    Function.READ_DISCRETE_INPUTS: _decode_read_bits,
    Function.READ_HOLDING_REGISTERS: _decode_read_registers,
    Function.READ_INPUT_REGISTERS: _decode_read_registers,
    Function.WRITE_SINGLE_COIL: _decode_write_coil,
    Function.WRITE_SINGLE_REGISTER: _decode_write_register,
    Function.WRITE_MULTIPLE_COILS: _decode_write_coils,
    Function.WRITE_MULTIPLE_REGISTERS: _decode_write_registers,
    Function.READ_FILE_RECORD: _decode_read_file,
    Function.WRITE_FILE_RECORD: _decode_write_file,
    Function.MASK_WRITE_REGISTER: _decode_mask,
    Function.READ_WRITE_REGISTERS: _decode_read_write,
    Function.ENCAPSULATED_INTERFACE: _decode_identify,
}
