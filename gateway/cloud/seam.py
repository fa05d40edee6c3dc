"""What a peer of an uplink is: something that takes groups of batches and acknowledges them."""

from collections.abc import Awaitable
from typing import Protocol, runtime_checkable

from gateway.store.lanes import Group, Lane


class UplinkError(Exception):
    """The peer is not there, has gone, or refuses what it was sent; the text has no secret."""

    def __init__(self, text: str = "", retry_after_s: float = 0.0) -> None:
        """Take what happened, and how long the peer asks us to stay away."""
        super().__init__(text)
        self.retry_after_s = retry_after_s


class RefusedError(UplinkError):
    """The peer is there, takes others, and will not have these samples as they are.

    It is not closed: the samples are kept and offered again, and those of the other lane go on.
    """


class Peer(Protocol):
    """The far end of an uplink. One call at a time; after an error it is closed and made anew.

    Every method may raise `UplinkError`, `OSError` or `TimeoutError`, and may be cancelled.
    """

    async def connect(self) -> None:
        """Make the connection, and what the peer needs to take samples."""

    async def progress(self, stream: str, lane: Lane) -> int | None:
        """Return the number after the newest sample of a stream that the peer has by a lane.

        Within a lane samples are sent in their order, so it has all before that too. None where it
        has none, or cannot tell.
        """

    async def send(self, group: Group) -> Awaitable[None]:
        """Hand a group over; the result ends when the peer has acknowledged all of it."""

    async def close(self) -> None:
        """End the connection, whatever its state; never raises."""


@runtime_checkable
class SessionPeer(Peer, Protocol):
    """A peer that has to be seen at the other end while there is nothing to send."""

    async def ready(self) -> None:
        """Return when samples may be sent; that may take as long as the far end likes."""

    async def ended(self) -> None:
        """Wait, beside `send`, for the end of the connection; raises then, and never returns."""
