"""Errors of a peer in the field: each says which `LinkError` the image shows for it.

The peer is at fault, so none of them ends the gateway: the exchange is counted as failed, the
samples turn BAD, and unless the device merely refused the request, the link is made anew.
"""

import os
from typing import ClassVar

from runtime.image.layout import LinkError


class PeerError(Exception):
    """An exchange with a device failed; `link_error` is its code in the image."""

    link_error: ClassVar[LinkError]


class PeerRefusedError(PeerError):
    """The connection could not be made."""

    link_error = LinkError.REFUSED


class PeerTimeoutError(PeerError):
    """No answer, or only a part of one, in the time that is allowed."""

    link_error = LinkError.TIMEOUT


class PeerClosedError(PeerError):
    """The connection ended before the answer was complete."""

    link_error = LinkError.CLOSED


class PeerProtocolError(PeerError):
    """Bytes that are not the protocol, or an answer to a question that was not asked."""

    link_error = LinkError.PROTOCOL


class PeerExceptionError(PeerError):
    """The device understood the request and refused it. The connection is as good as before."""

    link_error = LinkError.EXCEPTION

    def __init__(self, message: str, kind: str = "", *, is_settled: bool = False) -> None:
        """Take what the log says.

        Args:
            message: What was refused, and how.
            kind: What all refusals of its kind have in common; unset it is the whole message.
            is_settled: Whether the same is asked in another way from now on: nothing to mend.
        """
        super().__init__(message)
        self.kind = kind or message
        self.is_settled = is_settled


def listening_reason(error: OSError) -> str:
    """Return why a port cannot be listened on, without the address, which its message has."""
    number = error.errno or 0  # below 0 where the host is no address
    return os.strerror(number) if number > 0 else error.strerror or str(error)
