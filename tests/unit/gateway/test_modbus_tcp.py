"""Framing: segments split and merged at any place, and headers that lie."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import PeerProtocolError
from gateway.protocols.modbus.frame import Frame
from gateway.protocols.modbus.limits import LENGTH_MAX
from gateway.protocols.modbus.tcp import FrameParser, decode_datagram, encode_frame

FRAME = Frame(0x1501, 0xFF, bytes.fromhex("03 04 0001 0002"))
BYTES = bytes.fromhex("1501 0000 0007 FF 03 04 0001 0002")


def test_a_frame_encodes_as_header_and_pdu() -> None:
    assert encode_frame(FRAME) == BYTES


@pytest.mark.parametrize("cut", range(1, len(BYTES)))
def test_half_a_frame_waits_for_the_rest(cut: int) -> None:
    parser = FrameParser()

    assert parser.feed(BYTES[:cut]) == []
    assert parser.pending == cut
    assert parser.feed(BYTES[cut:]) == [FRAME]
    assert parser.pending == 0


def test_a_frame_may_come_byte_by_byte() -> None:
    parser = FrameParser()

    assert [frame for byte in BYTES for frame in parser.feed(bytes([byte]))] == [FRAME]


FRAMES = st.lists(
    st.builds(
        Frame, st.integers(0, 0xFFFF), st.integers(0, 255), st.binary(min_size=1, max_size=253)
    ),
    max_size=5,
)


@given(FRAMES, st.data())
@settings(deadline=None)
def test_frames_come_out_whole_however_the_stream_is_cut(
    frames: list[Frame], data: st.DataObject
) -> None:
    stream = b"".join(encode_frame(frame) for frame in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    parser = FrameParser()
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += parser.feed(stream[start:end])

    assert found == frames


def test_a_wrong_protocol_identifier_is_seen_before_the_frame_is_complete() -> None:
    with pytest.raises(PeerProtocolError, match="protocol identifier 1: expected 0"):
        FrameParser().feed(bytes.fromhex("0001 0001 0006"))


@pytest.mark.parametrize("length", [0, 1, LENGTH_MAX + 1, 0xFFFF])
def test_a_length_that_no_frame_has_is_seen_at_once(length: int) -> None:
    with pytest.raises(PeerProtocolError, match=f"length {length}: expected 2 to 254"):
        FrameParser().feed(b"\x00\x01\x00\x00" + length.to_bytes(2, "big"))


def test_a_length_that_is_too_short_makes_the_rest_a_protocol_error() -> None:
    lie = bytes.fromhex("1501 0000 0003 FF 03 04 0001 0002 0003")

    with pytest.raises(PeerProtocolError, match="protocol identifier"):
        FrameParser().feed(lie)


def test_a_length_that_is_too_long_leaves_the_frame_open() -> None:
    parser = FrameParser()

    assert parser.feed(bytes.fromhex("1501 0000 0009 FF 03 04 0001 0002")) == []
    assert parser.pending == len(BYTES)


def test_the_longest_frame_is_taken() -> None:
    frame = Frame(1, 1, bytes(253))

    assert FrameParser().feed(encode_frame(frame)) == [frame]


def test_after_an_error_the_parser_believes_nothing() -> None:
    parser = FrameParser()
    with pytest.raises(PeerProtocolError):
        parser.feed(b"HTTP/1.1 400 Bad Request\r\n")

    with pytest.raises(PeerProtocolError, match="after a protocol error"):
        parser.feed(BYTES)


@given(st.binary(max_size=600))
@settings(deadline=None)
def test_the_parser_keeps_less_than_one_frame_of_any_stream(stream: bytes) -> None:
    parser = FrameParser()
    try:
        parser.feed(stream)
    except PeerProtocolError:
        return
    assert parser.pending < 6 + LENGTH_MAX


def test_a_datagram_is_one_frame_and_nothing_else() -> None:
    assert decode_datagram(BYTES) == FRAME
    for wrong in (b"", BYTES[:-1], BYTES + b"\x00", BYTES + BYTES, bytes(300)):
        with pytest.raises(PeerProtocolError, match=f"a datagram of {len(wrong)} bytes"):
            decode_datagram(wrong)
