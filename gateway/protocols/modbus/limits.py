"""Limits of the Modbus application protocol (V1.1b3, sections 4.1 and 6) and of MBAP framing."""

from typing import Final

READ_BITS_MAX: Final = 2000
"""Coils or discrete inputs in one read (0x7D0): 250 bytes of the response."""

READ_REGISTERS_MAX: Final = 125
"""Registers in one read (0x7D): 250 bytes of the response."""

WRITE_BITS_MAX: Final = 1968
"""Coils in one write (0x7B0): 246 bytes of the request."""

WRITE_REGISTERS_MAX: Final = 123
"""Registers in one write (0x7B): 246 bytes of the request."""

ADDRESSES: Final = 65_536
"""Addresses of each of the four tables."""

PDU_BYTES_MAX: Final = 253
"""Bytes of a protocol data unit: 256 of a serial frame less address and check sum."""

LENGTH_MIN: Final = 2
"""Least MBAP length: unit and function, as in the requests that carry nothing else."""

LENGTH_MAX: Final = 1 + PDU_BYTES_MAX
"""Greatest MBAP length: unit and the longest PDU."""

READ_WRITE_REGISTERS_MAX: Final = 121
"""Registers that function 23 writes (0x79): 242 bytes of the request beside its two spans."""

FILE_BYTES_MIN: Final = 7
FILE_BYTES_MAX: Final = 245
"""Bytes of the groups of functions 20 and 21 (0x07 to 0xF5)."""

FILE_RECORDS: Final = 10_000
"""Records of a file, from 0."""

RTU_BYTES_MIN: Final = 4
"""Bytes of the shortest RTU frame: unit, function, check sum."""

RTU_BYTES_MAX: Final = 256
"""Bytes of the longest RTU frame."""

ASCII_CHARACTERS_MAX: Final = 513
"""Characters of the longest ASCII frame: colon, two a byte of unit, PDU and check sum, CR LF."""
