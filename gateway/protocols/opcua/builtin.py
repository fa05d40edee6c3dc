"""Built-in types of OPC UA (part 6, 5.1), their width in a message, and its time stamps.

A value travels little-endian, as it lies in the memory of a program, so that most values are
copied, never converted. A time stamp counts ticks of 100 ns since 1601-01-01 (UTC).
"""

import enum
from typing import Final


class Builtin(enum.IntEnum):
    """Numbers of the built-in types that a variable of a program or a channel can have."""

    NULL = 0
    BOOLEAN = 1
    SBYTE = 2
    BYTE = 3
    INT16 = 4
    UINT16 = 5
    INT32 = 6
    UINT32 = 7
    INT64 = 8
    UINT64 = 9
    FLOAT = 10
    DOUBLE = 11
    STRING = 12
    DATE_TIME = 13
    GUID = 14
    BYTE_STRING = 15
    XML_ELEMENT = 16
    NODE_ID = 17
    EXPANDED_NODE_ID = 18
    STATUS_CODE = 19
    QUALIFIED_NAME = 20
    LOCALIZED_TEXT = 21
    EXTENSION_OBJECT = 22
    DATA_VALUE = 23
    VARIANT = 24
    DIAGNOSTIC_INFO = 25


KINDS: Final = frozenset(map(int, Builtin))
"""The numbers of all built-in types."""

WIDTHS: Final = {
    Builtin.BOOLEAN: 1, Builtin.SBYTE: 1, Builtin.BYTE: 1, Builtin.INT16: 2, Builtin.UINT16: 2,
    Builtin.INT32: 4, Builtin.UINT32: 4, Builtin.INT64: 8, Builtin.UINT64: 8, Builtin.FLOAT: 4,
    Builtin.DOUBLE: 8, Builtin.DATE_TIME: 8, Builtin.STATUS_CODE: 4,
}  # fmt: skip
"""Bytes of the types that always take the same number."""

UNSIGNED: Final = {1: "u1", 2: "<u2", 4: "<u4", 8: "<u8"}
"""NumPy's name of the unsigned integer of a width: the bits of a value, whatever they mean."""

TICK_NS: Final = 100
TICKS_1970: Final = 116_444_736_000_000_000
"""Ticks at the beginning of Unix time."""

HAS_VALUE: Final = 0x01
HAS_STATUS: Final = 0x02
HAS_SOURCE_TIME: Final = 0x04
HAS_SERVER_TIME: Final = 0x08
HAS_SOURCE_PICOSECONDS: Final = 0x10
HAS_SERVER_PICOSECONDS: Final = 0x20
"""Bits of the byte that begins a DataValue: which of its parts follow (part 6, 5.2.2.17)."""

ARRAY: Final = 0x80
DIMENSIONS: Final = 0x40
"""Bits beside the type's number in the byte that begins a Variant (part 6, 5.2.2.16)."""

VALUE: Final = 13
"""Number of the attribute Value (part 6, A.1)."""


def ticks_of(unix_ns: int) -> int:
    """Return the time stamp of a Unix time in ns."""
    return unix_ns // TICK_NS + TICKS_1970


def unix_ns_of(ticks: int) -> int:
    """Return the Unix time in ns of a time stamp."""
    return (ticks - TICKS_1970) * TICK_NS


class Status(enum.IntEnum):
    """Status codes (part 6, A.2) that Takt gives or looks at; the top bits tell the severity."""

    GOOD = 0
    UNCERTAIN_NO_COMMUNICATION_LAST_USABLE = 0x408F0000
    BAD = 0x80000000
    BAD_INTERNAL_ERROR = 0x80020000
    BAD_OUT_OF_MEMORY = 0x80030000
    BAD_RESOURCE_UNAVAILABLE = 0x80040000
    BAD_ENCODING_ERROR = 0x80060000
    BAD_DECODING_ERROR = 0x80070000
    BAD_TIMEOUT = 0x800A0000
    BAD_SERVICE_UNSUPPORTED = 0x800B0000
    BAD_SESSION_ID_INVALID = 0x80250000
    BAD_SECURITY_POLICY_REJECTED = 0x80550000
    BAD_NOTHING_TO_DO = 0x800F0000
    BAD_TOO_MANY_OPERATIONS = 0x80100000
    BAD_USER_ACCESS_DENIED = 0x801F0000
    BAD_SUBSCRIPTION_ID_INVALID = 0x80280000
    BAD_TIMESTAMPS_TO_RETURN_INVALID = 0x802B0000
    BAD_NO_COMMUNICATION = 0x80310000
    BAD_WAITING_FOR_INITIAL_DATA = 0x80320000
    BAD_NODE_ID_UNKNOWN = 0x80340000
    BAD_ATTRIBUTE_ID_INVALID = 0x80350000
    BAD_INDEX_RANGE_INVALID = 0x80360000
    BAD_INDEX_RANGE_NO_DATA = 0x80370000
    BAD_DATA_ENCODING_UNSUPPORTED = 0x80390000
    BAD_NOT_READABLE = 0x803A0000
    BAD_NOT_WRITABLE = 0x803B0000
    BAD_OUT_OF_RANGE = 0x803C0000
    BAD_NOT_SUPPORTED = 0x803D0000
    BAD_MONITORED_ITEM_ID_INVALID = 0x80420000
    BAD_MONITORED_ITEM_FILTER_INVALID = 0x80430000
    BAD_MONITORED_ITEM_FILTER_UNSUPPORTED = 0x80440000
    BAD_FILTER_NOT_ALLOWED = 0x80450000
    BAD_SEQUENCE_NUMBER_UNKNOWN = 0x807A0000
    BAD_MESSAGE_NOT_AVAILABLE = 0x807B0000
    BAD_NO_SUBSCRIPTION = 0x80790000
    BAD_METHOD_INVALID = 0x80750000
    BAD_ARGUMENTS_MISSING = 0x80760000
    BAD_TYPE_MISMATCH = 0x80740000
    BAD_TOO_MANY_PUBLISH_REQUESTS = 0x80780000
    BAD_TOO_MANY_SUBSCRIPTIONS = 0x80770000
    BAD_TOO_MANY_MONITORED_ITEMS = 0x80DB0000
    BAD_TOO_MANY_ARGUMENTS = 0x80E50000
    BAD_INVALID_ARGUMENT = 0x80AB0000
    BAD_INVALID_STATE = 0x80AF0000


SEVERITY: Final = 0xC0000000
"""The bits of a status code that tell whether it is good (0), uncertain or bad."""
UNCERTAIN: Final = 0x40000000
OVERFLOW: Final = 0x480
"""Bits of a data value's status that say: values before this one were dropped from the queue."""
