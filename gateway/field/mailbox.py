"""The gateway's side of a mailbox: what is known of a device, published as one whole."""

from collections.abc import Iterable

from runtime.image.layout import Link, LinkError, Quality
from runtime.image.payloads import Mailbox, Sample, decode_mailbox, encode_mailbox
from runtime.image.slots import SlotRing


class MailboxWriter:
    """Holds the samples and counters of a device, and publishes them in the image.

    A gateway that takes over after another one goes on from its last publication, so values and
    counters survive; the age of the samples tells the runtime what they are worth.
    """

    def __init__(self, ring: SlotRing, inputs: int) -> None:
        """Take over the ring of a device with that number of inputs."""
        self._ring = ring
        before = ring.latest()
        if before is None:
            self._samples = [Sample(0, 0, Quality.MISSING)] * inputs
            self.polls = self.failures = self.reconnects = 0
        else:
            mailbox = decode_mailbox(before.payload)
            self._samples = list(mailbox.samples)
            self.polls, self.failures = mailbox.polls, mailbox.failures
            self.reconnects = mailbox.reconnects
        self.link = Link.DOWN
        self.error = LinkError.NONE
        self.round_trip_ns = 0

    def good(self, number: int, raw: int, source_ns: int) -> None:
        """Take a sample that arrived."""
        self._samples[number] = Sample(raw, source_ns, Quality.GOOD)

    def bad(self, numbers: Iterable[int]) -> None:
        """Mark inputs whose exchange failed; value and source time stay the last ones."""
        for number in numbers:
            last = self._samples[number]
            self._samples[number] = Sample(last.raw, last.source_ns, Quality.BAD)

    def all_bad(self) -> None:
        """Mark every input."""
        self.bad(range(len(self._samples)))

    def publish(self) -> None:
        """Make this the newest publication."""
        self._ring.publish(
            encode_mailbox(
                Mailbox(
                    self.link,
                    self.error,
                    self.round_trip_ns,
                    self.polls,
                    self.failures,
                    self.reconnects,
                    tuple(self._samples),
                )
            )
        )
