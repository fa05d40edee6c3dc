"""The seam of a field driver: what the poller needs to know of a device, whatever its protocol.

A driver turns inputs and changed outputs into exchanges, each of them one request and its response.
The poller decides when each of them goes out, so a driver has no schedule, no queue and no task.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from gateway.errors import PeerExceptionError


class Answer(NamedTuple):  # made for each exchange: takes half of a dataclass's time
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


@dataclass(frozen=True, slots=True)
class Arrival:
    """Values that came by themselves, each with a time and a quality of its own."""

    numbers: npt.NDArray[np.intp]
    """Inputs (numbers in the mailbox), each at most once."""
    raws: npt.NDArray[np.uint64]
    sources_ns: npt.NDArray[np.int64]
    """When each was taken (CLOCK_MONOTONIC)."""
    qualities: npt.NDArray[np.uint32]
    renewed_ns: int | None = None
    """Where not None, every other sound input was found unchanged at that time."""


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


@runtime_checkable
class Subscriber(Protocol):
    """A driver whose device tells values by itself; the poller asks for them when it is woken.

    A subscription is no exchange: nothing goes out, some of the inputs come in, and each has a time
    and a status. So such a driver hands over arrivals beside its exchanges, whose `inputs` may be
    empty then; the poller still owns schedule, link and mailbox.
    """

    def on_arrival(self, wake: Callable[[], None]) -> None:
        """Call a function whenever there is something to take, or the connection has ended."""

    def arrivals(self) -> Sequence[Arrival]:
        """Return what has come since the last call; raise the `PeerError` that ended it all."""
