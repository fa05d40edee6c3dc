"""How long a PDU is, told from how it starts: for RTU, whose frames do not say it themselves."""

from collections.abc import Callable
from typing import Final

from gateway.errors import PeerProtocolError
from gateway.protocols.modbus.pdu import EXCEPTION_FLAG, Function

_EXCEPTION_BYTES: Final = 2
_IDENTITY_BYTES: Final = 7
_ECHO_BYTES: Final = 5
_MASK_BYTES: Final = 7
_COUNTED: Final = {1, 2, 3, 4, 20, 21, 23}
_FIXED: Final = {5: _ECHO_BYTES, 6: _ECHO_BYTES, 15: _ECHO_BYTES, 16: _ECHO_BYTES, 22: _MASK_BYTES}


def response_length(start: bytes) -> int:
    """Return the bytes of the response PDU that starts like this, 0 where more must be seen.

    Raises:
        PeerProtocolError: No response starts so.
    """
    if not start:
        return 0
    function = start[0]
    if function & EXCEPTION_FLAG:
        return _EXCEPTION_BYTES
    if function in _COUNTED:
        return 2 + start[1] if len(start) > 1 else 0
    if function in _FIXED:
        return _FIXED[function]
    if function == Function.ENCAPSULATED_INTERFACE:
        return _identity_length(start)
    raise PeerProtocolError(f"function {function}: a response of unknown length")


def _identity_length(start: bytes) -> int:
    if len(start) < _IDENTITY_BYTES:
        return 0
    end = _IDENTITY_BYTES
    for _ in range(start[_IDENTITY_BYTES - 1]):
        if len(start) < end + 2:
            return 0
        end += 2 + start[end + 1]
    return end


_REQUEST_FIXED: Final = {1: 5, 2: 5, 3: 5, 4: 5, 5: 5, 6: 5, 22: 7, 43: 4}
_REQUEST_COUNTED: Final = {15: 5, 16: 5, 20: 1, 21: 1, 23: 9}


def request_length(start: bytes) -> int:
    """Return the bytes of the request PDU that starts like this, 0 where more must be seen.

    Raises:
        PeerProtocolError: The length of such a request is not known.
    """
    if not start:
        return 0
    if start[0] in _REQUEST_FIXED:
        return _REQUEST_FIXED[start[0]]
    place = _REQUEST_COUNTED.get(start[0])
    if place is None:
        raise PeerProtocolError(f"function {start[0]}: a request of unknown length")
    return place + 1 + start[place] if len(start) > place else 0


LengthOf = Callable[[bytes], int]
"""`request_length` or `response_length`."""
