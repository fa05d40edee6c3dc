"""The server's state machine: questions out of bytes, answers with the question's own numbers."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import PeerProtocolError
from gateway.protocols.modbus.client import ClientConnection, Reply
from gateway.protocols.modbus.frame import Frame
from gateway.protocols.modbus.framing import ASCII, MBAP, RTU, Framing
from gateway.protocols.modbus.pdu import ExceptionCode, Function, RequestError
from gateway.protocols.modbus.requests import ReadBits, ReadRegisters
from gateway.protocols.modbus.responses import RegistersRead
from gateway.protocols.modbus.server import ServerConnection, quick_answer, quick_read, refusal
from gateway.protocols.modbus.tcp import encode_frame

READ = ReadRegisters(Function.READ_INPUT_REGISTERS, 4, 2)


@pytest.mark.parametrize("framing", [MBAP, RTU, ASCII], ids=["mbap", "rtu", "ascii"])
def test_client_and_server_understand_each_other(framing: Framing) -> None:
    client, server = ClientConnection(9, framing), ServerConnection(framing)
    answer = RegistersRead.of(READ.function, (1, 2))

    (question,) = server.receive(client.send(READ).sent)
    replies = client.receive(server.answer(question, answer))

    assert (question.unit, question.request) == (9, READ)
    assert [reply.response for reply in replies] == [answer]


def test_several_requests_in_one_segment_are_answered_each_under_its_number() -> None:
    client, server = ClientConnection(1, window=4), ServerConnection()
    segment = b"".join(client.send(READ).sent for _ in range(4))
    answer = RegistersRead.of(READ.function, (1, 2))

    questions = server.receive(segment[:20]) + server.receive(segment[20:])
    replies = client.receive(b"".join(server.answer(item, answer) for item in questions))

    assert replies == [Reply(number, answer) for number in (1, 2, 3, 4)]


def test_a_request_that_cannot_be_is_a_question_to_be_refused() -> None:
    (question,) = ServerConnection().receive(bytes.fromhex("0007 0000 0006 01 03 0000 0000"))

    assert isinstance(question.request, RequestError)
    assert question.request.code is ExceptionCode.ILLEGAL_DATA_VALUE
    answer = ServerConnection().answer(question, refusal(question.request))
    assert answer == bytes.fromhex("0007 0000 0003 01 83 03")


@given(st.binary(max_size=600))
@settings(deadline=None)
def test_arbitrary_bytes_are_questions_or_a_protocol_error(received: bytes) -> None:
    for framing in (MBAP, RTU, ASCII):
        server = ServerConnection(framing)
        try:
            questions = server.receive(received)
        except PeerProtocolError:
            continue
        for question in questions:
            assert question.request is not None


SEGMENTS = st.one_of(
    st.binary(min_size=10, max_size=14),
    st.builds(
        lambda unit, function, address, count: encode_frame(
            Frame(7, unit, struct.pack(">BHH", function, address, count))
        ),
        st.integers(0, 255), st.integers(0, 6), st.integers(0, 0xFFFF), st.integers(0, 2100),
    ),
)  # fmt: skip


@given(SEGMENTS)
@settings(deadline=None)
def test_a_quick_read_is_what_the_long_way_makes_of_the_segment(segment: bytes) -> None:
    quick = quick_read(segment)
    if quick is None:
        return
    server = ServerConnection()
    (question,) = server.receive(segment)
    request = question.request
    if isinstance(request, RequestError):  # beyond the last address, which no table has
        assert request.code is ExceptionCode.ILLEGAL_DATA_ADDRESS
        return
    assert isinstance(request, ReadBits | ReadRegisters)
    found = (quick.unit, quick.function, quick.address, quick.count)
    assert found == (question.unit, request.function, request.address, request.count)
    is_words = isinstance(request, ReadRegisters)
    packed = bytes(2 * request.count if is_words else -(-request.count // 8))
    long_way = server.answer(question, RegistersRead(request.function, packed))
    assert quick_answer(segment, quick, packed) == long_way


def test_every_sound_read_is_quick() -> None:
    client = ClientConnection(9)
    assert quick_read(client.send(READ).sent) is not None
