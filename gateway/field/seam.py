"""The seam of a field driver: what the poller needs to know of a device, whatever its protocol.

A driver turns inputs and changed outputs into exchanges, each of them one request and its response.
The poller decides when each of them goes out, so a driver has no schedule, no queue and no task.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from gateway.errors import PeerExceptionError


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, and when (CLOCK_MONOTONIC, ns)."""

    sent_ns: int
    received_ns: int
    values: Sequence[int] | npt.NDArray[np.uint64] = ()
    """Raw value of each input of a `ReadExchange`, in the order of its `inputs`."""


@dataclass(frozen=True, slots=True)
class ReadExchange:
    """One request that reads, and the inputs (numbers in the mailbox) that its answer brings."""

    inputs: Sequence[int] | npt.NDArray[np.intp]
    ask: Callable[[], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class WriteExchange:
    """One request that writes, and the outputs (numbers of the device) that it sets."""

    outputs: tuple[int, ...]
    ask: Callable[[], Awaitable[Answer]]


Took = Callable[[ReadExchange, Answer | PeerExceptionError], bool]
"""Takes the answer to a read, or its refusal; returns whether to go on with the next."""


class Driver(Protocol):
    """One device behind one protocol. Every coroutine raises `PeerError` and ends by a timeout.

    After a `PeerExceptionError` the connection is used further; after any other the poller calls
    `close` and, later, `connect`.
    """

    async def connect(self) -> None:
        """Make the connection."""

    def close(self) -> None:
        """Drop the connection, if there is one."""

    def reads(self, group: int) -> Sequence[ReadExchange]:
        """Return the exchanges that bring every input of a group of the `DeviceMap` once."""

    def writes(self, changes: Mapping[int, int]) -> Sequence[WriteExchange]:
        """Return the exchanges that set these outputs to these raw values."""


@runtime_checkable
class BurstDriver(Driver, Protocol):
    """A driver that can do many reads in a row without waking its poller in between."""

    async def read(self, reads: deque[ReadExchange], took: Took) -> None:
        """Do the reads from the left, one after another, until `took` says stop or none is left.

        A read leaves the queue when its answer is taken.
        """
