"""Why an attempt to reach a device failed, in words."""

import os
import socket
import ssl


def reason_of(error: Exception) -> str:
    """Return why an attempt failed, without numbers and addresses that its message has anyway."""
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror | ssl.SSLError):
        known = os.strerror(error.errno) if error.errno else ""
        return known or str(error) or type(error).__name__
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
