"""What a scan of a device makes of silence."""

import asyncio

import pytest

from gateway.errors import PeerClosedError, PeerError, PeerTimeoutError
from gateway.field.modbus_link import Asked, Exchange, Took
from gateway.field.modbus_scan import Finding, scan
from gateway.protocols.modbus.requests import ReadBits, ReadRegisters, Request
from gateway.protocols.modbus.responses import BitsRead, RegistersRead


class PlayedLink:
    """A device with 150 entries in each table, which does not answer what lies beyond."""

    def __init__(self, silence: PeerError, entries: int = 150) -> None:
        self.silence = silence
        self.entries = entries
        self.connects = 0

    async def connect(self) -> None:
        self.connects += 1

    async def exchange(self, request: Request, pdu: bytes | None = None) -> Exchange:
        del pdu
        if not isinstance(request, ReadBits | ReadRegisters):
            raise self.silence
        if request.address + request.count > self.entries:
            raise self.silence
        if isinstance(request, ReadBits):
            packed = bytes(-(-request.count // 8))
            return Exchange(BitsRead(request.function, packed, request.count), 0, 1)
        return Exchange(RegistersRead(request.function, bytes(2 * request.count)), 0, 1)

    async def converse(self, first: Asked, took: Took) -> None:
        raise AssertionError(f"a scan asks one by one, not {first} for {took}")

    def close(self) -> None:
        """Nothing is open."""


def scanned(link: PlayedLink) -> Finding:
    return asyncio.run(scan(link, 999))


@pytest.mark.parametrize("silence", [PeerTimeoutError("no answer"), PeerClosedError("closed")])
def test_what_was_read_before_a_silence_is_kept_and_the_next_table_read(
    silence: PeerError,
) -> None:
    finding = scanned(PlayedLink(silence))

    found = [(item.table, item.start, len(item.values)) for item in finding.stretches]
    assert found == [(table, 0, 100) for table in ("coil", "discrete", "input", "holding")]
    assert finding.gaps[0] == f"coil 100 to 199: {silence}"
    assert len(finding.gaps) == 4


def test_a_device_that_never_answers_is_an_error() -> None:
    with pytest.raises(PeerTimeoutError):
        scanned(PlayedLink(PeerTimeoutError("no answer"), entries=0))
