"""Outputs: from the bytes of %Q to raw values, and which of them a device has yet to get."""

from collections.abc import Container, Sequence

from gateway.tags import Output


def read_outputs(area: bytes, outputs: Sequence[Output]) -> tuple[int, ...]:
    """Return the raw value of each output in the bytes of %Q."""
    return tuple(_read(area, output) for output in outputs)


def safe_values(outputs: Sequence[Output]) -> tuple[int, ...]:
    """Return the configured safe value of each output."""
    return tuple(output.safe for output in outputs)


def changes(
    wanted: Sequence[int], acknowledged: Sequence[int | None], held: Container[int]
) -> dict[int, int]:
    """Return the outputs to write: those whose newest value the device has not acknowledged.

    Args:
        wanted: Newest raw values.
        acknowledged: What the device confirmed last, None where nothing is known.
        held: Outputs that wait, because the device refused them a moment ago.
    """
    return {
        number: value
        for number, (value, known) in enumerate(zip(wanted, acknowledged, strict=True))
        if value != known and number not in held
    }


def _read(area: bytes, output: Output) -> int:
    if output.width == 1:
        return area[output.byte] >> output.bit & 1
    return int.from_bytes(area[output.byte : output.byte + output.width // 8], "little")
