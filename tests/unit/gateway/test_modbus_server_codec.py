"""The server's state machine: questions out of bytes, answers with the question's own numbers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import PeerProtocolError
from gateway.protocols.modbus.client import ClientConnection, Reply
from gateway.protocols.modbus.framing import ASCII, MBAP, RTU, Framing
from gateway.protocols.modbus.pdu import ExceptionCode, Function, RequestError
from gateway.protocols.modbus.requests import ReadRegisters
from gateway.protocols.modbus.responses import RegistersRead
from gateway.protocols.modbus.server import ServerConnection, refusal

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
