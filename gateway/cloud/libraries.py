"""The clients of brokers and databases: optional, so a missing one is told before it is needed."""

import importlib.util
from typing import Final

from runtime.errors import HostError

_EXTRAS: Final = {
    "aiomqtt": "mqtt",
    "nats": "jetstream",
    "asyncpg": "postgresql",
    "aiohttp": "http",
}
"""The extra of the package that brings each."""


def require(library: str, what: str) -> None:
    """Make sure that a library is installed.

    Args:
        library: Its name as it is imported.
        what: What needs it, for the error.

    Raises:
        HostError: It is not installed.
    """
    if importlib.util.find_spec(library) is None:
        extra = _EXTRAS[library]
        raise HostError(f"{what} needs the library {library}; install taktplc[{extra}]")
