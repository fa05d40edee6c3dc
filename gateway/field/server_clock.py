"""The clock of a server in terms of ours: its UTC time stamps as CLOCK_MONOTONIC.

Each answer bears the time at which the server sent it. Taken as the middle between our question and
its arrival, that errs by at most half the round trip. The best of the last exchanges counts, so
that one slow answer moves nothing.
"""

from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt

from gateway.protocols.opcua.builtin import TICK_NS, TICKS_1970, unix_ns_of

EXCHANGES: Final = 32
"""Exchanges of which the one with the shortest round trip counts: clocks drift, so old ones go."""


class ServerClock:
    """Follows the offset between a server's clock and ours."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._seen: deque[tuple[int, int]] = deque(maxlen=EXCHANGES)
        self._offset_ns: int | None = None

    def observe(self, ticks: int, sent_ns: int, received_ns: int) -> None:
        """Take an exchange: the server's time in its answer, and when it went out and came in."""
        middle_ns = (sent_ns + received_ns) // 2
        self._seen.append((received_ns - sent_ns, unix_ns_of(ticks) - middle_ns))
        self._offset_ns = min(self._seen)[1]

    def monotonic_ns(
        self, ticks: npt.NDArray[np.int64], earliest_ns: int, received_ns: int
    ) -> npt.NDArray[np.int64]:
        """Return time stamps as CLOCK_MONOTONIC.

        A stamp outside of what can be true is moved to its bound: a value that was told now has
        changed since the message before, and not after its arrival. So a source whose clock is
        wrong, or that gives no time (0), costs one publishing interval of certainty.

        Args:
            ticks: Source times of values.
            earliest_ns: When the message before arrived.
            received_ns: When this one arrived.
        """
        if self._offset_ns is None:
            return np.full(len(ticks), received_ns, np.int64)
        unix_ns = (ticks - TICKS_1970) * TICK_NS
        found = np.clip(unix_ns - self._offset_ns, earliest_ns, received_ns)
        return np.where(ticks == 0, received_ns, found)
