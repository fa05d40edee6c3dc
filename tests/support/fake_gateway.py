"""The gateway's side of the image without any device: `python -m tests.support.fake_gateway IMAGE`.

It writes good samples 1, 2, 3, 4 to the first mailbox every 5 ms, until it is killed.
"""

import sys
import time
from pathlib import Path

from runtime.image.layout import Link, LinkError, Quality, SectionKind
from runtime.image.payloads import Mailbox, Sample, encode_mailbox
from runtime.image.segment import attach_image


def main() -> None:
    """Write until killed."""
    with attach_image(Path(sys.argv[1])) as image:
        ring = image.ring(SectionKind.INPUTS)
        while True:
            now = time.monotonic_ns()
            samples = tuple(Sample(raw, now, Quality.GOOD) for raw in (1, 2, 3, 4))
            ring.publish(encode_mailbox(Mailbox(Link.UP, LinkError.NONE, 0, 0, 0, 0, samples)))
            time.sleep(0.005)


if __name__ == "__main__":
    main()
