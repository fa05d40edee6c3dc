"""Requests and responses: the specification's examples, round trips, malformed bytes."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import PeerProtocolError
from gateway.protocols.modbus.lengths import request_length, response_length
from gateway.protocols.modbus.limits import (
    READ_BITS_MAX,
    READ_REGISTERS_MAX,
    WRITE_BITS_MAX,
    WRITE_REGISTERS_MAX,
)
from gateway.protocols.modbus.pdu import (
    ExceptionCode,
    Function,
    RequestError,
    unpack_bits,
)
from gateway.protocols.modbus.requests import (
    FileRecord,
    FileSpan,
    Identify,
    MaskWriteRegister,
    ReadBits,
    ReadFile,
    ReadRegisters,
    ReadWriteRegisters,
    Request,
    WriteCoil,
    WriteCoils,
    WriteFile,
    WriteRegister,
    WriteRegisters,
    decode_request,
    encode_request,
    function_of,
)
from gateway.protocols.modbus.responses import (
    BitsRead,
    BlockWritten,
    FileRead,
    Identity,
    Refused,
    RegistersRead,
    Response,
    decode_response,
    encode_response,
)

F = Function
EXAMPLES: list[tuple[str, Request, str, Response]] = [
    # V1.1b3 sections 6.1 to 6.6, 6.11 and 6.12
    (
        "01 0013 0013",
        ReadBits(F.READ_COILS, 19, 19),
        "01 03 CD 6B 05",
        BitsRead(F.READ_COILS, bytes.fromhex("CD6B05"), 19),
    ),
    (
        "02 00C4 0016",
        ReadBits(F.READ_DISCRETE_INPUTS, 196, 22),
        "02 03 AC DB 35",
        BitsRead(F.READ_DISCRETE_INPUTS, bytes.fromhex("ACDB35"), 22),
    ),
    (
        "03 006B 0003",
        ReadRegisters(F.READ_HOLDING_REGISTERS, 107, 3),
        "03 06 022B 0000 0064",
        RegistersRead.of(F.READ_HOLDING_REGISTERS, (555, 0, 100)),
    ),
    (
        "04 0008 0001",
        ReadRegisters(F.READ_INPUT_REGISTERS, 8, 1),
        "04 02 000A",
        RegistersRead.of(F.READ_INPUT_REGISTERS, (10,)),
    ),
    ("05 00AC FF00", WriteCoil(172, value=True), "05 00AC FF00", WriteCoil(172, value=True)),
    ("06 0001 0003", WriteRegister(1, 3), "06 0001 0003", WriteRegister(1, 3)),
    (
        "0F 0013 000A 02 CD 01",
        WriteCoils(19, unpack_bits(bytes.fromhex("CD01"), 10)),
        "0F 0013 000A",
        BlockWritten(F.WRITE_MULTIPLE_COILS, 19, 10),
    ),
    (
        "10 0001 0002 04 000A 0102",
        WriteRegisters(1, (10, 258)),
        "10 0001 0002",
        BlockWritten(F.WRITE_MULTIPLE_REGISTERS, 1, 2),
    ),
    # sections 6.14 to 6.17 and 6.21
    (
        "14 0E 06 0004 0001 0002 06 0003 0009 0002",
        ReadFile((FileSpan(4, 1, 2), FileSpan(3, 9, 2))),
        "14 0C 05 06 0DFE 0020 05 06 33CD 0040",
        FileRead((bytes.fromhex("0DFE0020"), bytes.fromhex("33CD0040"))),
    ),
    (
        "15 0D 06 0004 0007 0003 06AF 04BE 100D",
        WriteFile((FileRecord(FileSpan(4, 7, 3), bytes.fromhex("06AF04BE100D")),)),
        "15 0D 06 0004 0007 0003 06AF 04BE 100D",
        WriteFile((FileRecord(FileSpan(4, 7, 3), bytes.fromhex("06AF04BE100D")),)),
    ),
    (
        "16 0004 00F2 0025",
        MaskWriteRegister(4, 0xF2, 0x25),
        "16 0004 00F2 0025",
        MaskWriteRegister(4, 0xF2, 0x25),
    ),
    (
        "17 0003 0006 000E 0003 06 00FF 00FF 00FF",
        ReadWriteRegisters(3, 6, 14, (255, 255, 255)),
        "17 0C 00FE 0ACD 0001 0003 000D 00FF",
        RegistersRead.of(F.READ_WRITE_REGISTERS, (254, 0x0ACD, 1, 3, 13, 255)),
    ),
    (
        "2B 0E 01 00",
        Identify(),
        "2B 0E 01 01 00 00 02 00 04 41434D45 02 05 56322E3131",
        Identity(1, 1, ((0, b"ACME"), (2, b"V2.11"))),
    ),
    (
        "2B 0E 04 02",
        Identify(4, 2),
        "2B 0E 04 81 FF 03 01 02 01 41",
        Identity(4, 0x81, ((2, b"A"),), next_id=3),
    ),
]
IDS = [function_of(request).name.lower() for _, request, _, _ in EXAMPLES]


@pytest.mark.parametrize(("asked", "request_", "answered", "response"), EXAMPLES, ids=IDS)
def test_the_examples_of_the_specification_encode_and_decode(
    asked: str, request_: Request, answered: str, response: Response
) -> None:
    assert encode_request(request_) == bytes.fromhex(asked)
    assert decode_request(bytes.fromhex(asked)) == request_
    assert encode_response(response) == bytes.fromhex(answered)
    assert decode_response(bytes.fromhex(answered), request_) == response


def test_the_first_bit_of_an_answer_is_the_lowest_of_its_first_byte() -> None:
    assert unpack_bits(bytes([0b0000_0101, 0b1]), 9) == (
        True, False, True, False, False, False, False, False, True,
    )  # fmt: skip


def test_an_exception_response_names_function_code_and_meaning() -> None:
    answer = decode_response(b"\x81\x02", ReadBits(F.READ_COILS, 1185, 1))

    assert answer == Refused(F.READ_COILS, ExceptionCode.ILLEGAL_DATA_ADDRESS)
    assert str(answer) == "exception 2 (illegal data address) to function 1"
    assert encode_response(answer) == b"\x81\x02"


def test_an_exception_code_that_no_specification_knows_is_still_an_exception() -> None:
    assert str(Refused(3, 77)) == "exception 77 (unknown) to function 3"


# -- properties ---------------------------------------------------------------------------------
ADDRESS = st.integers(0, 60_000)
REGISTER = st.integers(0, 0xFFFF)
BIT_READS = st.builds(
    ReadBits,
    st.sampled_from([F.READ_COILS, F.READ_DISCRETE_INPUTS]),
    ADDRESS,
    st.integers(1, READ_BITS_MAX),
)
REGISTER_READS = st.builds(
    ReadRegisters,
    st.sampled_from([F.READ_HOLDING_REGISTERS, F.READ_INPUT_REGISTERS]),
    ADDRESS,
    st.integers(1, READ_REGISTERS_MAX),
)
WRITES = st.one_of(
    st.builds(WriteCoil, ADDRESS, st.booleans()),
    st.builds(WriteRegister, ADDRESS, REGISTER),
    st.builds(
        WriteCoils, ADDRESS, st.lists(st.booleans(), min_size=1, max_size=WRITE_BITS_MAX).map(tuple)
    ),
    st.builds(
        WriteRegisters,
        ADDRESS,
        st.lists(REGISTER, min_size=1, max_size=WRITE_REGISTERS_MAX).map(tuple),
    ),
)
FILE_SPANS = st.builds(FileSpan, st.integers(1, 0xFFFF), st.integers(0, 9000), st.integers(0, 5))
OTHERS = st.one_of(
    st.builds(MaskWriteRegister, ADDRESS, REGISTER, REGISTER),
    st.builds(
        ReadWriteRegisters,
        ADDRESS,
        st.integers(1, READ_REGISTERS_MAX),
        ADDRESS,
        st.lists(REGISTER, min_size=1, max_size=121).map(tuple),
    ),
    st.builds(ReadFile, st.lists(FILE_SPANS, min_size=1, max_size=20).map(tuple)),
    st.lists(FILE_SPANS, min_size=1, max_size=12).map(
        lambda spans: WriteFile(
            tuple(FileRecord(span, bytes(range(2 * span.count))) for span in spans)
        )
    ),
    st.builds(Identify, st.integers(1, 4), st.integers(0, 255)),
)
REQUESTS = st.one_of(BIT_READS, REGISTER_READS, WRITES, OTHERS)


@given(REQUESTS)
@settings(deadline=None)
def test_every_request_survives_encoding_and_decoding(request_: Request) -> None:
    assert decode_request(encode_request(request_)) == request_


@given(BIT_READS, st.data())
@settings(deadline=None)
def test_every_answer_of_bits_survives(request_: ReadBits, data: st.DataObject) -> None:
    packed = data.draw(st.integers(0, (1 << request_.count) - 1))
    values = tuple(bool(packed >> place & 1) for place in range(request_.count))
    response = BitsRead.of(request_.function, values)

    assert decode_response(encode_response(response), request_) == response


@given(REGISTER_READS, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_every_answer_of_registers_survives(request_: ReadRegisters, chance: random.Random) -> None:
    values = tuple(chance.randrange(0x10000) for _ in range(request_.count))
    response = RegistersRead.of(request_.function, values)

    assert decode_response(encode_response(response), request_) == response


@given(st.binary(max_size=260))
@settings(deadline=None)
def test_arbitrary_bytes_are_a_request_or_a_declared_error(pdu: bytes) -> None:
    try:
        request_ = decode_request(pdu)
    except (RequestError, PeerProtocolError):
        return
    assert decode_request(encode_request(request_)) == request_


@given(REQUESTS)
@settings(deadline=None)
def test_the_length_of_a_request_is_told_by_its_start(request_: Request) -> None:
    pdu = encode_request(request_)
    told = [request_length(pdu[:end]) for end in range(len(pdu) + 1)]
    known = next(place for place, length in enumerate(told) if length)

    assert set(told[known:]) == {len(pdu)}


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=40)), max_size=5).map(tuple))
@settings(deadline=None)
def test_the_length_of_an_identification_is_told_by_its_start(
    objects: tuple[tuple[int, bytes], ...],
) -> None:
    pdu = encode_response(Identity(1, 1, objects))

    assert response_length(pdu) == len(pdu)
    assert decode_response(pdu, Identify()) == Identity(1, 1, objects)
    assert all(response_length(pdu[:end]) in {0, len(pdu)} for end in range(len(pdu)))


@pytest.mark.parametrize("length_of", [request_length, response_length])
def test_the_length_of_an_unknown_function_is_unknown(
    length_of: Callable[[bytes], int],
) -> None:
    with pytest.raises(PeerProtocolError, match="function 99"):
        length_of(b"\x63")


@given(REQUESTS, st.binary(max_size=260))
@settings(deadline=None)
def test_arbitrary_bytes_are_a_response_or_a_protocol_error(request_: Request, pdu: bytes) -> None:
    try:
        response = decode_response(pdu, request_)
    except PeerProtocolError:
        return
    assert isinstance(response, Refused) or len(encode_response(response)) == len(pdu)


# -- what a client must not believe -------------------------------------------------------------
READ = ReadRegisters(F.READ_HOLDING_REGISTERS, 0, 2)


@pytest.mark.parametrize(
    ("pdu", "request_", "told"),
    [
        ("", READ, "an empty PDU"),
        ("04 04 0001 0002", READ, "function 4 in the response to function 3"),
        ("03", READ, "byte count 0"),
        ("03 02 0001", READ, "byte count 2 before 2 bytes: expected 4"),
        ("03 06 0001 0002 0003", READ, "byte count 6"),
        ("03 04 0001", READ, "byte count 4 before 2 bytes"),
        ("03 04 0001 0002 00", READ, "before 5 bytes"),
        ("83", READ, "exception response of 1 bytes"),
        ("83 02 00", READ, "exception response of 3 bytes"),
        ("05 0001 0000", WriteCoil(1, value=True), "echo"),
        ("06 0001 0004", WriteRegister(1, 3), "echo"),
        ("0F 0000 0003", WriteCoils(0, (True, True)), "echo"),
        ("10 0001 0002", WriteRegisters(2, (1, 2)), "echo"),
        ("16 0004 00F2 0024", MaskWriteRegister(4, 0xF2, 0x25), "echo"),
        ("14 04 03 06 0001", ReadFile((FileSpan(1, 0, 2),)), "byte count 4"),
        ("14 06 05 07 0001 0002", ReadFile((FileSpan(1, 0, 2),)), "not the 2 registers"),
        ("2B 0D 01 01 00 00 00", Identify(), "kind 0d"),
        ("2B 0E 01 01 00 00 02 00 01 41", Identify(), "beyond the end"),
        ("2B 0E 01 01 00 00 00 41", Identify(), "1 bytes after"),
    ],
)
def test_a_response_that_does_not_answer_the_request_is_a_protocol_error(
    pdu: str, request_: Request, told: str
) -> None:
    with pytest.raises(PeerProtocolError, match=told):
        decode_response(bytes.fromhex(pdu), request_)


# -- what a server answers with an exception ----------------------------------------------------
@pytest.mark.parametrize(
    ("pdu", "code"),
    [
        ("07", ExceptionCode.ILLEGAL_FUNCTION),
        ("01 0000 0000", ExceptionCode.ILLEGAL_DATA_VALUE),
        ("01 0000 07D1", ExceptionCode.ILLEGAL_DATA_VALUE),
        ("01 FFFF FFFF", ExceptionCode.ILLEGAL_DATA_VALUE),
        ("03 0000 007E", ExceptionCode.ILLEGAL_DATA_VALUE),
        ("03 FFFF 0002", ExceptionCode.ILLEGAL_DATA_ADDRESS),
        ("03 0000", ExceptionCode.ILLEGAL_DATA_VALUE),
        ("05 0000 0001", ExceptionCode.ILLEGAL_DATA_VALUE),
        ("0F 0000 0009 01 FF", ExceptionCode.ILLEGAL_DATA_VALUE),
        ("0F 0000 0009 02 FF", ExceptionCode.ILLEGAL_DATA_VALUE),
        ("10 0000 0002 02 0001", ExceptionCode.ILLEGAL_DATA_VALUE),
        ("10 FFFF 0002 04 0001 0002", ExceptionCode.ILLEGAL_DATA_ADDRESS),
        ("16 0000 0000", ExceptionCode.ILLEGAL_DATA_VALUE),
        ("17 0000 0001 0000 007A F4", ExceptionCode.ILLEGAL_DATA_VALUE),
        ("17 0000 0001 FFFF 0002 04 0001 0002", ExceptionCode.ILLEGAL_DATA_ADDRESS),
        ("14 07 05 0001 0000 0001", ExceptionCode.ILLEGAL_DATA_ADDRESS),
        ("14 08 06 0001 0000 0001 00", ExceptionCode.ILLEGAL_DATA_VALUE),
        ("14 07 06 0001 2710 0001", ExceptionCode.ILLEGAL_DATA_ADDRESS),
        ("14", ExceptionCode.ILLEGAL_DATA_VALUE),
        ("15 09 06 0001 0000 0002 0001", ExceptionCode.ILLEGAL_DATA_VALUE),
        ("2B 0D 00 00", ExceptionCode.ILLEGAL_FUNCTION),
        ("2B 0E 05 00", ExceptionCode.ILLEGAL_DATA_VALUE),
    ],
)
def test_a_request_out_of_bounds_gets_the_code_of_the_specification(
    pdu: str, code: ExceptionCode
) -> None:
    with pytest.raises(RequestError) as caught:
        decode_request(bytes.fromhex(pdu))
    assert caught.value.code is code
    assert caught.value.function == bytes.fromhex(pdu)[0]


@pytest.mark.parametrize(
    ("build", "most"),
    [
        (lambda count: ReadBits(F.READ_COILS, 0, count), READ_BITS_MAX),
        (lambda count: ReadRegisters(F.READ_INPUT_REGISTERS, 0, count), READ_REGISTERS_MAX),
        (lambda count: WriteCoils(0, (True,) * count), WRITE_BITS_MAX),
        (lambda count: WriteRegisters(0, (1,) * count), WRITE_REGISTERS_MAX),
    ],
)
def test_a_request_at_its_limit_is_fine_and_one_beyond_is_refused(
    build: Callable[[int], Request], most: int
) -> None:
    build(most)
    with pytest.raises(ValueError, match=f"count {most + 1}: expected 1 to {most}"):
        build(most + 1)


def test_a_span_ends_at_the_last_address() -> None:
    ReadRegisters(F.READ_HOLDING_REGISTERS, 65_535, 1)
    with pytest.raises(ValueError, match="address 65535: expected 0 to 65534 for 2"):
        ReadRegisters(F.READ_HOLDING_REGISTERS, 65_535, 2)


def test_a_register_holds_sixteen_bits() -> None:
    with pytest.raises(ValueError, match="register value 65536"):
        WriteRegister(0, 65_536)


def test_a_read_refuses_the_function_of_another_kind() -> None:
    with pytest.raises(ValueError, match="expected 1 or 2"):
        ReadBits(F.READ_HOLDING_REGISTERS, 0, 1)
    with pytest.raises(ValueError, match="expected 3 or 4"):
        ReadRegisters(F.READ_COILS, 0, 1)
