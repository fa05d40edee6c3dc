"""Modbus requests and responses to bytes and back (application protocol V1.1b3, section 6).

    ReadRegisters(READ_HOLDING_REGISTERS, address=107, count=3)  <->  03 00 6B 00 03

Addresses are those of the frame, counted from 0. Encoding trusts its argument (the dataclasses
check their bounds); decoding trusts nothing: what is not Modbus raises `PeerProtocolError`, what a
server must answer with an exception code raises `RequestError`.
"""

import enum
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gateway.errors import PeerProtocolError
from gateway.protocols.modbus.limits import (
    ADDRESSES,
    PDU_BYTES_MAX,
    READ_BITS_MAX,
    READ_REGISTERS_MAX,
    WRITE_BITS_MAX,
    WRITE_REGISTERS_MAX,
)


class Function(enum.IntEnum):
    """Function codes that the codec speaks."""

    READ_COILS = 1
    READ_DISCRETE_INPUTS = 2
    READ_HOLDING_REGISTERS = 3
    READ_INPUT_REGISTERS = 4
    WRITE_SINGLE_COIL = 5
    WRITE_SINGLE_REGISTER = 6
    WRITE_MULTIPLE_COILS = 15
    WRITE_MULTIPLE_REGISTERS = 16


class ExceptionCode(enum.IntEnum):
    """Why a server refuses a request (section 7)."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_DATA_ADDRESS = 2
    ILLEGAL_DATA_VALUE = 3
    SERVER_DEVICE_FAILURE = 4
    ACKNOWLEDGE = 5
    SERVER_DEVICE_BUSY = 6
    MEMORY_PARITY_ERROR = 8
    GATEWAY_PATH_UNAVAILABLE = 10
    GATEWAY_TARGET_FAILED_TO_RESPOND = 11


_MEANINGS: Final = {int(code): code.name.lower().replace("_", " ") for code in ExceptionCode}


class RequestError(Exception):
    """A request that a server answers with an exception code."""

    def __init__(self, function: int, code: ExceptionCode) -> None:
        self.function = function
        self.code = code
        super().__init__(f"function {function}: {_MEANINGS[code]}")


class SpanError(ValueError):
    """A span of valid length reaches beyond the last address of its table."""


_READ_BITS: Final = (Function.READ_COILS, Function.READ_DISCRETE_INPUTS)
_READ_REGISTERS: Final = (Function.READ_HOLDING_REGISTERS, Function.READ_INPUT_REGISTERS)
_EXCEPTION_FLAG: Final = 0x80
_EXCEPTION_BYTES: Final = 2
_COIL_ON: Final = 0xFF00
_REGISTER_MAX: Final = 0xFFFF
_SPAN: Final = struct.Struct(">BHH")
_BLOCK: Final = struct.Struct(">BHHB")


def _check_span(address: int, count: int, count_max: int) -> None:
    if not 1 <= count <= count_max:
        raise ValueError(f"count {count}: expected 1 to {count_max}")
    if not 0 <= address <= ADDRESSES - count:
        raise SpanError(f"address {address}: expected 0 to {ADDRESSES - count} for {count}")


def _check_registers(values: tuple[int, ...]) -> None:
    for value in values:
        if not 0 <= value <= _REGISTER_MAX:
            raise ValueError(f"register value {value}: expected 0 to {_REGISTER_MAX}")


# -- requests -----------------------------------------------------------------------------------
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


# -- responses ----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class BitsRead:
    """Response to functions 1 and 2."""

    function: Function
    values: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class RegistersRead:
    """Response to functions 3 and 4."""

    function: Function
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BlockWritten:
    """Response to functions 15 and 16: what was written where, without the values."""

    function: Function
    address: int
    count: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Exception response; `code` is mostly an `ExceptionCode`, but devices invent their own."""

    function: int
    code: int

    def __str__(self) -> str:
        """Return the code and its meaning."""
        meaning = _MEANINGS.get(self.code, "unknown")
        return f"exception {self.code} ({meaning}) to function {self.function}"


Request = ReadBits | ReadRegisters | WriteCoil | WriteRegister | WriteCoils | WriteRegisters
Response = BitsRead | RegistersRead | WriteCoil | WriteRegister | BlockWritten | Refused


def function_of(request: Request) -> Function:
    """Return the function code of a request."""
    match request:
        case ReadBits() | ReadRegisters():
            return request.function
        case WriteCoil():
            return Function.WRITE_SINGLE_COIL
        case WriteRegister():
            return Function.WRITE_SINGLE_REGISTER
        case WriteCoils():
            return Function.WRITE_MULTIPLE_COILS
        case WriteRegisters():
            return Function.WRITE_MULTIPLE_REGISTERS


# -- bits and registers in bytes ----------------------------------------------------------------
def pack_bits(values: tuple[bool, ...]) -> bytes:
    """Return bits as bytes, the first bit in the lowest bit of the first byte."""
    packed = 0
    for place, value in enumerate(values):
        packed |= bool(value) << place
    return packed.to_bytes(-(-len(values) // 8), "little")


def unpack_bits(packed: bytes, count: int) -> tuple[bool, ...]:
    """Return the first `count` bits; the padding behind them is not looked at."""
    number = int.from_bytes(packed, "little")
    return tuple(bool(number >> place & 1) for place in range(count))


def _pack_registers(values: tuple[int, ...]) -> bytes:
    return struct.pack(f">{len(values)}H", *values)


def _unpack_registers(packed: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(packed) // 2}H", packed)


# -- encode -------------------------------------------------------------------------------------
def encode_request(request: Request) -> bytes:
    """Return the PDU of a request."""
    function = function_of(request)
    match request:
        case ReadBits() | ReadRegisters():
            return _SPAN.pack(function, request.address, request.count)
        case WriteCoil() | WriteRegister():
            return _encode_single(request)
        case WriteCoils():
            packed = pack_bits(request.values)
        case WriteRegisters():
            packed = _pack_registers(request.values)
    return _BLOCK.pack(function, request.address, len(request.values), len(packed)) + packed


def encode_response(response: Response) -> bytes:
    """Return the PDU of a response."""
    match response:
        case BitsRead():
            packed = pack_bits(response.values)
            return bytes((response.function, len(packed))) + packed
        case RegistersRead():
            packed = _pack_registers(response.values)
            return bytes((response.function, len(packed))) + packed
        case WriteCoil() | WriteRegister():
            return _encode_single(response)
        case BlockWritten():
            return _SPAN.pack(response.function, response.address, response.count)
        case Refused():
            return bytes((response.function | _EXCEPTION_FLAG, response.code))


def _encode_single(write: WriteCoil | WriteRegister) -> bytes:
    if isinstance(write, WriteCoil):
        value = _COIL_ON if write.value else 0
        return _SPAN.pack(Function.WRITE_SINGLE_COIL, write.address, value)
    return _SPAN.pack(Function.WRITE_SINGLE_REGISTER, write.address, write.value)


# -- decode, on the server's side ---------------------------------------------------------------
def decode_request(pdu: bytes) -> Request:
    """Return the request of a PDU.

    Raises:
        RequestError: It is to be answered with this exception code.
        PeerProtocolError: The PDU is empty, or too long.
    """
    if not 1 <= len(pdu) <= PDU_BYTES_MAX:
        raise PeerProtocolError(f"PDU of {len(pdu)} bytes: expected 1 to {PDU_BYTES_MAX}")
    decode = _REQUEST_DECODERS.get(pdu[0])
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
    if value not in {0, _COIL_ON}:
        raise ValueError(f"coil value 0x{value:04X}: expected 0x0000 or 0xFF00")
    return WriteCoil(address, value == _COIL_ON)


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
    return WriteRegisters(address, _unpack_registers(packed))


def _decode_block(pdu: bytes) -> tuple[int, int, bytes]:
    _, address, count, announced = _BLOCK.unpack_from(pdu)
    packed = pdu[_BLOCK.size :]
    if announced != len(packed):
        raise ValueError(f"byte count {announced} before {len(packed)} bytes")
    return address, count, packed


_REQUEST_DECODERS: Final[dict[int, Callable[[bytes], Request]]] = {
    Function.READ_COILS: _decode_read_bits,
    Function.READ_DISCRETE_INPUTS: _decode_read_bits,
    Function.READ_HOLDING_REGISTERS: _decode_read_registers,
    Function.READ_INPUT_REGISTERS: _decode_read_registers,
    Function.WRITE_SINGLE_COIL: _decode_write_coil,
    Function.WRITE_SINGLE_REGISTER: _decode_write_register,
    Function.WRITE_MULTIPLE_COILS: _decode_write_coils,
    Function.WRITE_MULTIPLE_REGISTERS: _decode_write_registers,
}


# -- decode, on the client's side ---------------------------------------------------------------
def decode_response(pdu: bytes, request: Request) -> Response:
    """Return the response of a PDU to this request.

    Raises:
        PeerProtocolError: It does not answer this request: another function, a byte count that
            does not fit what was asked, an echo that differs.
    """
    function = function_of(request)
    if not pdu or pdu[0] & ~_EXCEPTION_FLAG != function:
        found = f"function {pdu[0]}" if pdu else "an empty PDU"
        raise PeerProtocolError(f"{found} in the response to function {int(function)}")
    if pdu[0] & _EXCEPTION_FLAG:
        if len(pdu) != _EXCEPTION_BYTES:
            raise PeerProtocolError(
                f"exception response of {len(pdu)} bytes: expected {_EXCEPTION_BYTES}"
            )
        return Refused(function, pdu[1])
    match request:
        case ReadBits():
            packed = _read_payload(pdu, -(-request.count // 8))
            return BitsRead(function, unpack_bits(packed, request.count))
        case ReadRegisters():
            return RegistersRead(function, _unpack_registers(_read_payload(pdu, 2 * request.count)))
        case WriteCoil() | WriteRegister():
            _check_echo(pdu, _encode_single(request))
            return request
        case WriteCoils() | WriteRegisters():
            written = BlockWritten(function, request.address, len(request.values))
            _check_echo(pdu, encode_response(written))
            return written


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
