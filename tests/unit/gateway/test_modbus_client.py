"""The client's state machine: one request out, its response in, anything else is broken."""

import pytest

from gateway.errors import PeerProtocolError
from gateway.protocols.modbus.client import ClientConnection, ClientState
from gateway.protocols.modbus.pdu import (
    Function,
    ReadRegisters,
    Refused,
    RegistersRead,
    encode_response,
)
from gateway.protocols.modbus.tcp import Frame, encode_frame

READ = ReadRegisters(Function.READ_HOLDING_REGISTERS, 0, 2)
ANSWER = RegistersRead(Function.READ_HOLDING_REGISTERS, (7, 8))


def answer(transaction: int = 1, unit: int = 5) -> bytes:
    return encode_frame(Frame(transaction, unit, encode_response(ANSWER)))


def test_a_request_is_framed_with_transaction_and_unit() -> None:
    assert ClientConnection(5).send(READ) == bytes.fromhex("0001 0000 0006 05 03 0000 0002")


def test_transactions_count_up_and_wrap() -> None:
    connection = ClientConnection(5, first_transaction=0xFFFF)

    assert connection.send(READ)[:2] == b"\xff\xff"
    connection.receive(answer(transaction=0xFFFF))
    assert connection.send(READ)[:2] == b"\x00\x00"


def test_the_response_is_returned_and_the_next_request_may_go() -> None:
    connection = ClientConnection(5)
    connection.send(READ)

    assert connection.receive(answer()) == ANSWER
    assert connection.state is ClientState.IDLE


@pytest.mark.parametrize("cut", range(1, len(answer())))
def test_a_response_in_two_segments_is_one_response(cut: int) -> None:
    connection = ClientConnection(5)
    connection.send(READ)

    assert connection.receive(answer()[:cut]) is None
    assert connection.partial
    assert connection.receive(answer()[cut:]) == ANSWER
    assert not connection.partial


def test_an_exception_leaves_the_connection_as_it_was() -> None:
    connection = ClientConnection(5)
    connection.send(READ)
    refused = encode_frame(Frame(1, 5, b"\x83\x02"))

    assert connection.receive(refused) == Refused(Function.READ_HOLDING_REGISTERS, 2)
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
        (answer() + answer(transaction=2), "2 frames in the response to one request"),
        (answer() + b"\x00", "1 bytes after the response"),
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
    connection.abandon()

    with pytest.raises(PeerProtocolError):
        connection.receive(answer())
    assert connection.state is ClientState.BROKEN
