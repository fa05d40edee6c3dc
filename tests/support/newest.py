"""The newest outputs and frame of an image, as a test looks at them."""

from runtime.image.layout import SectionKind
from runtime.image.payloads import Frame, Outputs, decode_frame, decode_outputs
from runtime.image.segment import Image


def newest_outputs(image: Image) -> Outputs:
    """Return the newest outputs; there are some by now."""
    newest = image.ring(SectionKind.OUTPUTS).latest()
    assert newest is not None
    return decode_outputs(newest.payload)


def newest_frame(image: Image) -> Frame:
    """Return the newest frame; there is one by now."""
    newest = image.ring(SectionKind.FRAME).latest()
    assert newest is not None
    return decode_frame(newest.payload)
