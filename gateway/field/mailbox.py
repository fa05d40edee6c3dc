"""The gateway's side of a mailbox: what is known of a device, published as one whole."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gateway.field.seam import Arrival
from runtime.image.layout import MAILBOX_HEADER, Link, LinkError, Quality
from runtime.image.payloads import decode_mailbox
from runtime.image.slots import SlotRing

_ENTRY: Final = np.dtype(
    [("raw", "<u8"), ("source_ns", "<i8"), ("quality", "<u4"), ("reserved", "<u4")]
)
"""`layout.ENTRY`, for whole columns at a time."""

Numbers = Sequence[int] | npt.NDArray[np.intp]


class MailboxWriter:
    """Holds the samples and counters of a device, and publishes them in the image.

    A gateway that takes over after another one goes on from its last publication, so values and
    counters survive; the age of the samples tells the runtime what they are worth.
    """

    def __init__(self, ring: SlotRing, inputs: int) -> None:
        """Take over the ring of a device with that number of inputs."""
        self._ring = ring
        self._samples = np.zeros(inputs, _ENTRY)
        before = ring.latest()
        if before is None:
            self._samples["quality"] = Quality.MISSING
            self.polls = self.failures = self.reconnects = 0
        else:
            mailbox = decode_mailbox(before.payload)
            self._samples[:] = np.frombuffer(before.payload, _ENTRY, inputs, MAILBOX_HEADER.size)
            self.polls, self.failures = mailbox.polls, mailbox.failures
            self.reconnects = mailbox.reconnects
        self._raws = self._samples["raw"]
        self._sources = self._samples["source_ns"]
        self._qualities = self._samples["quality"]
        self.link = Link.DOWN
        self.error = LinkError.NONE
        self.round_trip_ns = 0

    def good(
        self, numbers: Numbers, raws: Sequence[int] | npt.NDArray[np.uint64], source_ns: int
    ) -> None:
        """Take samples that arrived together."""
        places = _places(numbers)
        self._raws[places] = raws
        self._sources[places] = source_ns
        self._qualities[places] = Quality.GOOD

    def take(self, arrival: Arrival) -> None:
        """Take values that came by themselves; a bad one keeps its last value and time."""
        if arrival.renewed_ns is not None:
            self._sources[self._qualities <= Quality.UNCERTAIN] = arrival.renewed_ns
        numbers, sound = arrival.numbers, arrival.qualities <= Quality.UNCERTAIN
        self._qualities[numbers] = arrival.qualities
        self._raws[numbers[sound]] = arrival.raws[sound]
        self._sources[numbers[sound]] = arrival.sources_ns[sound]

    def bad(self, numbers: Numbers) -> None:
        """Mark inputs whose exchange failed; value and source time stay the last ones."""
        self._qualities[_places(numbers)] = Quality.BAD

    def all_bad(self) -> None:
        """Mark every input."""
        self._qualities[:] = Quality.BAD

    def publish(self) -> None:
        """Make this the newest publication."""
        header = MAILBOX_HEADER.pack(
            self.link, self.error, self.round_trip_ns, self.polls, self.failures, self.reconnects
        )
        self._ring.publish(header + self._samples.tobytes())


def _places(numbers: Numbers) -> list[int] | npt.NDArray[np.intp]:
    """Return numbers as an index; to NumPy a tuple would be a place in several dimensions."""
    return numbers if isinstance(numbers, np.ndarray) else list(numbers)
