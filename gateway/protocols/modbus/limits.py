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
