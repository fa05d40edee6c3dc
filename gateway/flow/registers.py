"""Values over registers: the bytes of a response to raw words of the image, and back.

    registers 4248 0000, float32          ->  raw 0x42480000 (REAL 50.0)
    registers FF9C, int16, factor 0.1     ->  raw of REAL -10.0

A whole response is decoded in a few NumPy steps, one for all channels of like form: a step costs
about a microsecond however many values it takes.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gateway.tags import Channel, Encoding
from runtime.project.channels import BIT_TABLES, PART_BYTES
from runtime.project.values import ValueKind, from_raw, saturated, to_raw

Raws = npt.NDArray[np.uint64]
_Step = Callable[[bytes], Raws]

_RAW: Final = np.dtype(np.uint64)
_SIXTEEN: Final = np.uint64(16)
_UNSIGNED: Final = {1: np.uint16, 2: np.uint32, 4: np.uint64}
_SIGNED: Final = {1: np.int16, 2: np.int32, 4: np.int64}
_REALS: Final = {2: np.float32, 4: np.float64}
_IMAGE_REALS: Final = {32: (np.float32, np.uint32), 64: (np.float64, np.uint64)}


class SpanDecoder:
    """Turns the payload of one read into the raw words of its channels."""

    def __init__(self, channels: Sequence[Channel], start: int) -> None:
        """Prepare for channels of one table, in the order wanted, read from address `start` on."""
        self._count = len(channels)
        forms: dict[tuple[object, ...], list[int]] = {}
        for place, channel in enumerate(channels):
            forms.setdefault(_form(channel), []).append(place)
        self._steps: list[tuple[npt.NDArray[np.intp], _Step]] = [
            (np.array(places, np.intp), _step([channels[place] for place in places], start))
            for places in forms.values()
        ]

        self.decode: _Step = self._steps[0][1] if len(self._steps) == 1 else self._decode
        """Returns the raw word of each channel, from the payload."""

    def _decode(self, packed: bytes) -> Raws:
        raws = np.empty(self._count, np.uint64)
        for places, step in self._steps:
            raws[places] = step(packed)
        return raws


def _form(channel: Channel) -> tuple[object, ...]:
    """Return what channels must share to be decoded in one step."""
    encoding = channel.encoding
    if channel.table in BIT_TABLES:
        return ("bits",)
    if encoding.part is not None:
        return ("string", channel.register, encoding.part)
    scaled = encoding.factor is not None
    is_bit = encoding.bit is not None
    return channel.size, encoding.kind, encoding.big_bytes, is_bit, scaled, encoding.width


def _step(channels: Sequence[Channel], start: int) -> _Step:
    first = channels[0]
    offsets = np.array([channel.register - start for channel in channels], np.intp)
    if first.table in BIT_TABLES:
        return lambda packed: _bits(packed, offsets)
    if first.encoding.part is not None:
        return lambda packed: _characters(packed, first, start)
    words = _words(channels, offsets)
    convert = _conversion(channels)
    return lambda packed: convert(words(packed))


def _bits(packed: bytes, offsets: npt.NDArray[np.intp]) -> Raws:
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")
    return bits[offsets].astype(np.uint64)


def _characters(packed: bytes, channel: Channel, start: int) -> Raws:
    first = 2 * (channel.register - start)
    text = packed[first : first + 2 * channel.size]
    if not channel.encoding.big_bytes:
        text = _swapped(text)
    part = (channel.encoding.part or 0) * PART_BYTES
    piece = text[: channel.encoding.length][part : part + PART_BYTES]
    return np.array([int.from_bytes(piece, "little")], np.uint64)


def _words(channels: Sequence[Channel], offsets: npt.NDArray[np.intp]) -> _Step:
    """Return what joins the registers of each channel to one unsigned number."""
    size = channels[0].size
    kind = np.dtype(">u2" if channels[0].encoding.big_bytes else "<u2")
    count = len(offsets)
    if size == 1 and np.array_equal(offsets, np.arange(count)):
        # the usual case: every register from the first on, in their order
        return lambda packed: np.frombuffer(packed, kind, count).astype(_RAW)
    if size == 1:
        return lambda packed: np.frombuffer(packed, kind).astype(np.uint64)[offsets]
    places = np.arange(size)
    columns = np.array(
        [places if channel.encoding.big_words else places[::-1] for channel in channels]
    )
    matrix = (offsets[:, None] + columns).T

    def join(packed: bytes) -> Raws:
        words = np.frombuffer(packed, kind).astype(np.uint64)[matrix]
        raws: Raws = words[0]
        for row in words[1:]:
            raws = raws << _SIXTEEN | row
        return raws

    return join


def _conversion(channels: Sequence[Channel]) -> Callable[[Raws], Raws]:
    """Return what turns the number in the registers into the raw word of the image."""
    first = channels[0]
    encoding = first.encoding
    if encoding.bit is not None:
        shifts = np.array([channel.encoding.bit for channel in channels], np.uint64)
        return lambda raws: raws >> shifts & np.uint64(1)
    if encoding.factor is not None:
        return _scaling(channels)
    if encoding.kind is ValueKind.SIGNED and encoding.width > 16 * first.size:
        kind, mask = _SIGNED[first.size], np.uint64((1 << encoding.width) - 1)
        return lambda raws: raws.astype(kind).astype(np.int64).view(np.uint64) & mask
    return lambda raws: raws


def _scaling(channels: Sequence[Channel]) -> Callable[[Raws], Raws]:
    size, encoding = channels[0].size, channels[0].encoding
    factors = np.array([channel.encoding.factor for channel in channels], np.float64)
    bias = np.array([channel.encoding.offset for channel in channels], np.float64)
    real, word = _IMAGE_REALS[encoding.width]

    def scale(raws: Raws) -> Raws:
        narrow = raws.astype(_UNSIGNED[size])
        if encoding.kind is ValueKind.REAL:
            values = narrow.view(_REALS[size]).astype(np.float64)
        elif encoding.kind is ValueKind.SIGNED:
            values = narrow.view(_SIGNED[size]).astype(np.float64)
        else:
            values = narrow.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = (values * factors + bias).astype(real)
        return scaled.view(word).astype(np.uint64)

    return scale


# -- back ---------------------------------------------------------------------------------------
def encode_registers(channel: Channel, raw: int) -> tuple[int, ...]:
    """Return the registers of a raw word; numbers saturate at what the registers can hold."""
    encoding, bits = channel.encoding, 16 * channel.size
    if encoding.part is not None:
        return _string_registers(channel, raw)
    number = _register_number(encoding, bits, raw)
    words = struct.unpack(f">{channel.size}H", number.to_bytes(2 * channel.size, "big"))
    if not encoding.big_words:
        words = words[::-1]
    if not encoding.big_bytes:
        words = tuple(word >> 8 | (word & 0xFF) << 8 for word in words)
    return words


def _string_registers(channel: Channel, raw: int) -> tuple[int, ...]:
    text = raw.to_bytes(PART_BYTES, "little")[: channel.encoding.length].ljust(PART_BYTES, b"\0")
    packed = text[: 2 * channel.size]
    kind = ">u2" if channel.encoding.big_bytes else "<u2"
    return tuple(np.frombuffer(packed, kind).tolist())


def _register_number(encoding: Encoding, bits: int, raw: int) -> int:
    if encoding.factor is not None:
        value = from_raw(raw, ValueKind.REAL, encoding.width)
        value = (value - encoding.offset) / encoding.factor
        if encoding.kind is not ValueKind.REAL:
            value = saturated(value, encoding.kind, bits)
        return to_raw(value, encoding.kind, bits)
    if encoding.width > bits:
        number = from_raw(raw, encoding.kind, encoding.width)
        return to_raw(saturated(number, encoding.kind, bits), encoding.kind, bits)
    return raw


def _swapped(text: bytes) -> bytes:
    return np.frombuffer(text, "<u2").byteswap().tobytes() if text else text
