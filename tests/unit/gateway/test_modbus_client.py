"""The client's state machine: one request out, its response in, anything else is broken."""

import pytest

from gateway.errors import PeerProtocolError
from gateway.protocols.modbus.client import ClientConnection, ClientState, Reply
from gateway.protocols.modbus.frame import Frame
from gateway.protocols.modbus.framing import ASCII, RTU, Framing
from gateway.protocols.modbus.pdu import (
    Function,
)
from gateway.protocols.modbus.requests import ReadRegisters, encode_request
from gateway.protocols.modbus.responses import (
    Refused,
    RegistersRead,
    encode_response,
)
from gateway.protocols.modbus.tcp import encode_frame

READ = ReadRegisters(Function.READ_HOLDING_REGISTERS, 0, 2)
ANSWER = RegistersRead.of(Function.READ_HOLDING_REGISTERS, (7, 8))


def answer(transaction: int = 1, unit: int = 5) -> bytes:
    return encode_frame(Frame(transaction, unit, encode_response(ANSWER)))


def test_a_request_is_framed_with_transaction_and_unit() -> None:
    assert ClientConnection(5).send(READ).sent == bytes.fromhex("0001 0000 0006 05 03 0000 0002")


def test_transactions_count_up_and_wrap() -> None:
    connection = ClientConnection(5, first_transaction=0xFFFF)

    assert connection.send(READ).sent[:2] == b"\xff\xff"
    connection.receive(answer(transaction=0xFFFF))
    assert connection.send(READ).sent[:2] == b"\x00\x00"


def test_the_response_is_returned_and_the_next_request_may_go() -> None:
    connection = ClientConnection(5)
    connection.send(READ)

    assert connection.receive(answer()) == [Reply(1, ANSWER)]
    assert connection.state is ClientState.IDLE


@pytest.mark.parametrize("cut", range(1, len(answer())))
def test_a_response_in_two_segments_is_one_response(cut: int) -> None:
    connection = ClientConnection(5)
    connection.send(READ)

    assert connection.receive(answer()[:cut]) == []
    assert connection.partial
    assert connection.receive(answer()[cut:]) == [Reply(1, ANSWER)]
    assert not connection.partial


def test_an_exception_leaves_the_connection_as_it_was() -> None:
    connection = ClientConnection(5)
    connection.send(READ)
    refused = encode_frame(Frame(1, 5, b"\x83\x02"))

    assert connection.receive(refused) == [Reply(1, Refused(Function.READ_HOLDING_REGISTERS, 2))]
    assert connection.state is ClientState.IDLE


def test_a_second_request_must_wait_for_the_first_response() -> None:
    connection = ClientConnection(5)
    connection.send(READ)

    with pytest.raises(ValueError, match="while the connection is waiting"):
        connection.send(READ)


@pytest.mark.parametrize(
    ("received", "told"),
    [
        (answer(transaction=2), "transaction 2: expected 1"),
        (answer(unit=6), "unit 6: expected 5"),
        (answer() + answer(transaction=2), "a frame that no request asked for"),
        (answer() + b"\x00", "1 bytes that no request asked for"),
        (encode_frame(Frame(1, 5, b"\x04\x02\x00\x01")), "function 4"),
        (encode_frame(Frame(1, 5, b"\x03\x02\x00\x01")), "byte count 2"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "protocol identifier"),
    ],
)
def test_what_does_not_answer_the_request_breaks_the_connection(received: bytes, told: str) -> None:
    connection = ClientConnection(5)
    connection.send(READ)

    with pytest.raises(PeerProtocolError, match=told):
        connection.receive(received)
    assert connection.state is ClientState.BROKEN
    with pytest.raises(ValueError, match="while the connection is broken"):
        connection.send(READ)


@pytest.mark.parametrize("received", [answer(), b"\x00"])
def test_bytes_that_no_request_asked_for_break_the_connection(received: bytes) -> None:
    with pytest.raises(PeerProtocolError, match="no request asked for"):
        ClientConnection(5).receive(received)


def test_a_late_answer_is_not_taken_for_the_next_one() -> None:
    connection = ClientConnection(5)
    connection.send(READ)
    connection.abandon(1)

    with pytest.raises(PeerProtocolError):
        connection.receive(answer())
    assert connection.state is ClientState.BROKEN


def test_a_window_lets_several_requests_be_open_and_tells_their_answers_apart() -> None:
    connection = ClientConnection(5, window=3)
    numbers = [connection.send(READ).transaction for _ in range(3)]

    with pytest.raises(ValueError, match="waiting"):
        connection.send(READ)
    replies = connection.receive(answer(3) + answer(1))

    assert numbers == [1, 2, 3]
    assert [reply.transaction for reply in replies] == [3, 1]
    assert connection.state is ClientState.WAITING


def test_a_window_needs_transactions() -> None:
    with pytest.raises(ValueError, match="window 2: expected 1"):
        ClientConnection(5, RTU, window=2)


def test_a_datagram_that_answers_nothing_any_more_is_dropped_and_counted() -> None:
    connection = ClientConnection(5, is_datagram=True)
    connection.abandon(connection.send(READ).transaction)
    second = connection.send(READ)

    assert connection.receive(answer(1)) == []
    assert connection.receive(answer(second.transaction)) == [Reply(2, ANSWER)]
    assert connection.receive(answer(2)) == []
    assert connection.dropped == 2


@pytest.mark.parametrize("framing", [RTU, ASCII])
def test_serial_framings_have_no_transactions(framing: Framing) -> None:
    connection = ClientConnection(5, framing)
    for _ in range(2):
        outgoing = connection.send(READ)
        received = framing.encode(Frame(0, 5, encode_response(ANSWER)))

        assert outgoing.sent == framing.encode(Frame(0, 5, bytes.fromhex("03 0000 0002")))
        assert connection.receive(received) == [Reply(0, ANSWER)]


# -- the shortcut of reads that are asked again and again ----------------------------------------
PDU = encode_request(READ)


def test_the_shortcut_sends_and_takes_the_same_bytes() -> None:
    connection, plain = ClientConnection(5), ClientConnection(5)
    for number in (1, 2):
        outgoing = connection.send(READ, PDU)

        assert outgoing == plain.send(READ)
        assert plain.receive(answer(number)) == connection.receive(answer(number))
        assert connection.state is ClientState.IDLE


@pytest.mark.parametrize("cut", range(1, len(answer())))
def test_an_answer_in_pieces_goes_the_long_way(cut: int) -> None:
    connection = ClientConnection(5)
    connection.send(READ, PDU)

    assert connection.receive(answer()[:cut]) == []
    assert connection.receive(answer()[cut:]) == [Reply(1, ANSWER)]


@pytest.mark.parametrize("wrong", [answer(2), answer(unit=6), answer() + b"\0", answer() * 2])
def test_the_shortcut_takes_nothing_that_the_long_way_refuses(wrong: bytes) -> None:
    connection = ClientConnection(5)
    connection.send(READ, PDU)

    with pytest.raises(PeerProtocolError):
        connection.receive(wrong)
    assert connection.state is ClientState.BROKEN


def test_an_exception_is_no_shortcut() -> None:
    connection = ClientConnection(5)
    connection.send(READ, PDU)

    replies = connection.receive(encode_frame(Frame(1, 5, b"\x83\x02")))

    assert replies == [Reply(1, Refused(Function.READ_HOLDING_REGISTERS, 2))]


@pytest.mark.parametrize("cut", range(len(answer()) * 3 + 1))
@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_shortcuts_of_a_window_take_answers_in_any_order_and_in_pieces(
    order: tuple[int, ...], cut: int
) -> None:
    connection = ClientConnection(5, window=3)
    for _ in range(3):
        connection.send(READ, PDU)
    received = b"".join(map(answer, order))

    replies = [*connection.receive(received[:cut]), *connection.receive(received[cut:])]

    assert replies == [Reply(number, ANSWER) for number in order]
    assert connection.state is ClientState.IDLE


def test_a_window_goes_the_long_way_behind_an_exception() -> None:
    connection = ClientConnection(5, window=3)
    for _ in range(3):
        connection.send(READ, PDU)
    refusal = encode_frame(Frame(2, 5, b"\x83\x02"))

    replies = connection.receive(answer(1) + refusal + answer(3))

    refused = Refused(Function.READ_HOLDING_REGISTERS, 2)
    assert replies == [Reply(1, ANSWER), Reply(2, refused), Reply(3, ANSWER)]
    assert connection.state is ClientState.IDLE


def test_a_window_refuses_what_answers_nothing() -> None:
    connection = ClientConnection(5, window=3)
    for _ in range(2):
        connection.send(READ, PDU)

    with pytest.raises(PeerProtocolError):
        connection.receive(answer(1) + answer(7))
    assert connection.state is ClientState.BROKEN
