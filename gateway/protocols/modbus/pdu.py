"""What every Modbus PDU is made of: functions, exception codes, bits and registers in bytes."""

import enum
import struct
from typing import Final


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
    READ_FILE_RECORD = 20
    WRITE_FILE_RECORD = 21
    MASK_WRITE_REGISTER = 22
    READ_WRITE_REGISTERS = 23
    ENCAPSULATED_INTERFACE = 43


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


MEANINGS: Final = {int(code): code.name.lower().replace("_", " ") for code in ExceptionCode}


class RequestError(Exception):
    """A request that a server answers with an exception code."""

    def __init__(self, function: int, code: ExceptionCode) -> None:
        self.function = function
        self.code = code
        super().__init__(f"function {function}: {MEANINGS[code]}")


class SpanError(ValueError):
    """A span of valid length reaches beyond the last address of its table."""


EXCEPTION_FLAG: Final = 0x80
"""Set in the function code of an exception response."""

REGISTER_MAX: Final = 0xFFFF
COIL_ON: Final = 0xFF00
IDENTIFICATION: Final = 14
"""Kind of encapsulated interface (MEI) that reads a device's identification."""

FILE_REFERENCE: Final = 6
"""Kind of reference in each group of functions 20 and 21."""


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


def pack_registers(values: tuple[int, ...]) -> bytes:
    """Return registers as bytes, each with the most significant byte first."""
    return struct.pack(f">{len(values)}H", *values)


def unpack_registers(packed: bytes) -> tuple[int, ...]:
    """Return the registers of bytes."""
    return struct.unpack(f">{len(packed) // 2}H", packed)
