"""Headers of requests and responses (part 4, 7.32 and 7.33), and the numbers of their types."""

import enum
import struct
from dataclasses import dataclass
from typing import Final

from gateway.protocols.opcua.cursor import CodecError, Cursor


class Message(enum.IntEnum):
    """Number of a message's type: the identifier of its binary encoding in namespace 0."""

    SERVICE_FAULT = 397
    HISTORY_READ_REQUEST = 664
    HISTORY_READ_RESPONSE = 667
    READ_REQUEST = 631
    READ_RESPONSE = 634
    WRITE_REQUEST = 673
    WRITE_RESPONSE = 676
    CALL_REQUEST = 712
    CREATE_ITEMS_REQUEST = 751
    CREATE_ITEMS_RESPONSE = 754
    MODIFY_ITEMS_REQUEST = 763
    SET_MONITORING_REQUEST = 769
    DELETE_ITEMS_REQUEST = 781
    CREATE_SUBSCRIPTION_REQUEST = 787
    MODIFY_SUBSCRIPTION_REQUEST = 793
    SET_PUBLISHING_REQUEST = 799
    DATA_CHANGES = 811
    STATUS_CHANGE = 820
    PUBLISH_REQUEST = 826
    PUBLISH_RESPONSE = 829
    REPUBLISH_REQUEST = 832
    REPUBLISH_RESPONSE = 835
    TRANSFER_REQUEST = 841
    DELETE_SUBSCRIPTIONS_REQUEST = 847
    ACTIVATE_SESSION_REQUEST = 467
    BROWSE_REQUEST = 527
    BROWSE_NEXT_REQUEST = 533


_TYPE: Final = struct.Struct("<BBH")
_SHORT: Final = 1
"""Encoding of a NodeId with a namespace of 8 and an identifier of 16 bits."""
_REQUEST: Final = struct.Struct("<qIIiI3x")
"""timestamp, request handle, diagnostics wanted, audit entry (null), timeout ms, no extension."""
_RESPONSE: Final = struct.Struct("<BBHqIIBi3x")
"""type, timestamp, request handle, result, no diagnostics, no strings (null), no extension."""


@dataclass(frozen=True, slots=True)
class RequestHeader:
    """What a server needs of a request before its parameters."""

    kind: int
    token: bytes
    """Authentication token of the session, a NodeId as it is written."""
    handle: int
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class ResponseHeader:
    """What a client needs of a response before its results."""

    kind: int
    ticks: int
    """When the server sent it."""
    handle: int
    result: int


def message_type(data: bytes, place: int = 0) -> int:
    """Return the number of a message's type, 0 where it is none of namespace 0."""
    if len(data) < place + _TYPE.size:
        return 0
    encoding, namespace, number = _TYPE.unpack_from(data, place)
    return int(number) if encoding == _SHORT and namespace == 0 else 0


def type_id(number: int) -> bytes:
    """Return the NodeId that begins a message, or names the type of an ExtensionObject."""
    return _TYPE.pack(_SHORT, 0, number)


def encode_request_header(kind: int, token: bytes, handle: int, timeout_ms: int, now: int) -> bytes:
    """Return type and header of a request; `now` is the time in ticks."""
    return type_id(kind) + token + _REQUEST.pack(now, handle, 0, -1, timeout_ms)


def decode_request_header(cursor: Cursor) -> RequestHeader:
    """Read type and header of a request.

    Raises:
        CodecError: The bytes are no request.
    """
    kind = message_type(cursor.data, cursor.place)
    cursor.node_id()
    token = cursor.node_id()
    handle = cursor.skip(8).u32()
    cursor.skip(4).text()
    timeout_ms = cursor.u32()
    cursor.extension_object()
    return RequestHeader(kind, token, handle, timeout_ms)


def encode_response_header(kind: int, handle: int, now: int, result: int = 0) -> bytes:
    """Return type and header of a response; `now` is the time in ticks."""
    return _RESPONSE.pack(_SHORT, 0, kind, now, handle, result, 0, -1)


def decode_response_header(cursor: Cursor) -> ResponseHeader:
    """Read type and header of a response.

    Raises:
        CodecError: The bytes are no response.
    """
    kind = message_type(cursor.data, cursor.place)
    cursor.node_id()
    ticks, handle, result = cursor.i64(), cursor.u32(), cursor.u32()
    skip_diagnostics(cursor)
    for _ in range(cursor.count(4)):
        cursor.text()
    cursor.extension_object()
    return ResponseHeader(kind, ticks, handle, result)


_DIAGNOSTIC_NUMBERS: Final = 0x0F
"""Bits of a DiagnosticInfo: symbolic id, namespace, text and locale, an Int32 each."""
_DIAGNOSTIC_TEXT: Final = 0x10
_DIAGNOSTIC_STATUS: Final = 0x20
_DIAGNOSTIC_INNER: Final = 0x40
_DIAGNOSTIC_DEPTH_MAX: Final = 8


def skip_diagnostics(cursor: Cursor) -> None:
    """Pass over a DiagnosticInfo (part 6, 5.2.2.12).

    Raises:
        CodecError: It ends early or lies too deep.
    """
    for _ in range(_DIAGNOSTIC_DEPTH_MAX):
        mask = cursor.u8()
        cursor.skip(4 * (mask & _DIAGNOSTIC_NUMBERS).bit_count())
        if mask & _DIAGNOSTIC_TEXT:
            cursor.text()
        if mask & _DIAGNOSTIC_STATUS:
            cursor.skip(4)
        if not mask & _DIAGNOSTIC_INNER:
            return
    raise CodecError(f"DiagnosticInfo deeper than {_DIAGNOSTIC_DEPTH_MAX}")
