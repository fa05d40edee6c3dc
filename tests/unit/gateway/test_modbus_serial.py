"""RTU and ASCII: known frames, streams cut at any place, damage, silence."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import PeerProtocolError
from gateway.protocols.modbus import ascii_line, rtu
from gateway.protocols.modbus.frame import Frame
from gateway.protocols.modbus.lengths import request_length
from gateway.protocols.modbus.requests import Request, encode_request
from tests.unit.gateway.test_modbus_pdu import REQUESTS

READ = Frame(0, 0x11, bytes.fromhex("03 006B 0003"))
RTU_BYTES = bytes.fromhex("11 03 006B 0003 7687")
ASCII_BYTES = b":1103006B00037E\r\n"


def test_the_frames_that_every_manual_shows() -> None:
    assert rtu.encode_frame(READ) == RTU_BYTES
    assert rtu.encode_frame(Frame(0, 1, bytes.fromhex("03 0000 000A")))[-2:] == b"\xc5\xcd"
    assert ascii_line.encode_frame(READ) == ASCII_BYTES


def test_silence_is_three_and_a_half_characters_and_fixed_on_fast_lines() -> None:
    assert rtu.silent_interval_ns(9600) == 4_010_416
    assert rtu.silent_interval_ns(19_200) == 2_005_208
    assert rtu.silent_interval_ns(115_200) == 1_750_000


REQUEST_LISTS = st.lists(st.tuples(st.integers(0, 247), REQUESTS), max_size=4)


@pytest.mark.parametrize("framing", [rtu, ascii_line])
@given(REQUEST_LISTS, st.data())
@settings(deadline=None)
def test_frames_come_out_whole_however_the_stream_is_cut(
    framing: object, requests: list[tuple[int, Request]], data: st.DataObject
) -> None:
    frames = [Frame(0, unit, encode_request(request_)) for unit, request_ in requests]
    if framing is rtu:
        stream = b"".join(map(rtu.encode_frame, frames))
        feed = rtu.FrameParser(request_length).feed
    else:
        stream = b"".join(map(ascii_line.encode_frame, frames))
        feed = ascii_line.FrameParser().feed
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    found = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += feed(stream[start:end])

    assert found == frames


@given(REQUESTS, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_one_wrong_bit_is_never_taken_for_the_frame(
    request_: Request, chance: random.Random
) -> None:
    sound = rtu.encode_frame(Frame(0, 1, encode_request(request_)))
    damaged = bytearray(sound)
    damaged[chance.randrange(len(sound))] ^= 1 << chance.randrange(8)
    parser = rtu.FrameParser(request_length, waits_for_silence=True)
    try:
        found = parser.feed(bytes(damaged)) + parser.silence()
    except PeerProtocolError:
        found = []
    assert found == []


def test_a_wrong_check_sum_is_told_with_both_sums() -> None:
    with pytest.raises(PeerProtocolError, match="check sum 0x8876: expected 0x8776"):
        rtu.FrameParser(request_length).feed(RTU_BYTES[:-1] + b"\x88")
    with pytest.raises(PeerProtocolError, match="check sum 0x7F: expected 0x7E"):
        ascii_line.FrameParser().feed(b":1103006B00037F\r\n")


def test_on_a_line_silence_ends_a_frame_of_unknown_length() -> None:
    odd = Frame(0, 1, b"\x63\x01\x02")
    parser = rtu.FrameParser(request_length, waits_for_silence=True)

    assert parser.feed(rtu.encode_frame(odd)) == []
    assert parser.silence() == [odd]
    assert parser.silence() == []


def test_on_a_line_silence_drops_half_a_frame_and_the_next_one_is_read() -> None:
    parser = rtu.FrameParser(request_length, waits_for_silence=True)
    parser.feed(RTU_BYTES[:5])
    with pytest.raises(PeerProtocolError, match="check sum"):
        parser.silence()

    assert parser.feed(RTU_BYTES) == [READ]


def test_a_stream_without_silence_breaks_at_the_first_error() -> None:
    parser = rtu.FrameParser(request_length)
    with pytest.raises(PeerProtocolError, match="unknown length"):
        parser.feed(b"GET / HTTP/1.1\r\n")
    with pytest.raises(PeerProtocolError, match="after a protocol error"):
        parser.feed(RTU_BYTES)


def test_a_flood_without_a_frame_is_cut_off() -> None:
    parser = rtu.FrameParser(request_length, waits_for_silence=True)
    with pytest.raises(PeerProtocolError, match="257 bytes without a frame"):
        parser.feed(b"\x01\x63" + bytes(255))
    assert parser.pending == 0
    lines = ascii_line.FrameParser()
    with pytest.raises(PeerProtocolError, match="more than 513 characters"):
        lines.feed(b":" + b"0" * 600)
    assert lines.pending == 0


def test_a_colon_begins_a_frame_wherever_it_stands() -> None:
    parser = ascii_line.FrameParser()

    assert parser.feed(b"noise:11030:") == []
    assert parser.feed(ASCII_BYTES[1:]) == [READ]


@pytest.mark.parametrize(
    "line", [b"noise\r\n", b":11\r\n", b":110\r\n", b":zz03006B00037E\r\n", b":1103 006B00037E\r\n",
             b":1103006B00037E\n"],
)  # fmt: skip
def test_a_line_that_is_no_frame_costs_itself_only(line: bytes) -> None:
    parser = ascii_line.FrameParser()
    with pytest.raises(PeerProtocolError):
        parser.feed(line)

    assert parser.feed(ASCII_BYTES) == [READ]
