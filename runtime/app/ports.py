"""TCP ports of this machine: find free ones, and say early which one is taken."""

import os
import socket

from runtime.errors import HostError


def free_ports(count: int, host: str = "127.0.0.1") -> tuple[int, ...]:
    """Return different ports that nobody listens on at this moment.

    They are held until all are found, so they differ; another process may still take one before
    it is used, which its user then reports.
    """
    listeners = [socket.create_server((host, 0)) for _ in range(count)]
    try:
        return tuple(listener.getsockname()[1] for listener in listeners)
    finally:
        for listener in listeners:
            listener.close()


def require_free(what: str, host: str, port: int) -> None:
    """Check that a port can be listened on; 0 always can.

    Raises:
        HostError: It is taken, or the address is not this machine's.
    """
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        number = error.errno or 0  # below 0 where the host is no address
        reason = os.strerror(number) if number > 0 else error.strerror
        raise HostError(
            f"{what} = {host}:{port}: cannot be listened on ({reason}); "
            "expected a free TCP port of this machine"
        ) from None
