"""The clients of brokers and databases: optional, so a missing one is told before it is needed."""

import importlib.util

from runtime.errors import HostError


def require(library: str, what: str) -> None:
    """Make sure that a library is installed.

    Args:
        library: Its name as it is imported.
        what: What needs it, for the error.

    Raises:
        HostError: It is not installed.
    """
    if importlib.util.find_spec(library) is None:
        raise HostError(f"{what} needs the library {library}; install taktplc[cloud]")
