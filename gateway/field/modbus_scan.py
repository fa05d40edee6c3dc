"""What a Modbus device has: who it is, and which entries of its tables can be read.

    block refused -> its halves -> … -> 16 or fewer -> single entries     (illegal address only)

Nothing is written. A device that refuses a function has no such table; one that refuses for another
reason than the address, or does not answer at all, is left alone there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from gateway.errors import PeerClosedError, PeerTimeoutError
from gateway.field.modbus_link import Link
from gateway.protocols.modbus.pdu import ExceptionCode, Function
from gateway.protocols.modbus.requests import Identify, ReadBits, ReadRegisters, Request
from gateway.protocols.modbus.responses import BitsRead, Identity, RegistersRead, Response
from runtime.project.channels import BIT_TABLES, Table

OBJECTS: Final = {
    0: "vendor", 1: "product", 2: "revision", 3: "url", 4: "name", 5: "model", 6: "application",
}  # fmt: skip
"""What the objects of an identification are called."""

_IDENTITIES_MAX: Final = 20
"""Requests for one identification: a device that never comes to an end is left there."""

_BLOCK: Final = 100
"""Entries that are tried at once: what nearly all devices give."""

_SINGLY: Final = 16
"""Entries that are tried one by one: halving to the end asks twice for each that is not there."""

_FUNCTIONS: Final[dict[Table, Function]] = {
    "coil": Function.READ_COILS,
    "discrete": Function.READ_DISCRETE_INPUTS,
    "input": Function.READ_INPUT_REGISTERS,
    "holding": Function.READ_HOLDING_REGISTERS,
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring entries of a table that can be read, and what they held."""

    table: Table
    start: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a scan found."""

    identity: tuple[tuple[str, str], ...]
    stretches: tuple[Stretch, ...]
    requests: int
    gaps: tuple[str, ...] = ()
    """What the device did not answer at all; nothing was looked for behind it in that table."""


Progress = Callable[[str, int], None]
"""Is told what is read next, and how many requests there were."""


async def scan(link: Link, last: int, progress: Progress = lambda *_: None) -> Finding:
    """Identify a device and read its tables up to an entry.

    Raises:
        PeerError: It never answers, or not in Modbus.
    """
    asker = _Asker(link)
    try:
        identity = await _identify(asker)
    except (PeerTimeoutError, PeerClosedError):  # simple devices do not even refuse what is strange
        identity = ()
        link.close()
        await link.connect()
    stretches: list[Stretch] = []
    gaps: list[str] = []
    for table in _FUNCTIONS:
        found: dict[int, int] = {}
        try:
            for first in range(0, last + 1, _BLOCK):
                progress(f"{table} {first}", asker.requests)
                if not await _look(asker, table, first, min(first + _BLOCK, last + 1), found):
                    break
        except (PeerTimeoutError, PeerClosedError) as error:
            if not asker.has_answer:
                raise
            gaps.append(f"{asker.asked}: {error}")
            link.close()
            await link.connect()
        stretches += _stretches(table, found)
    return Finding(identity, tuple(stretches), asker.requests, tuple(gaps))


@dataclass(slots=True)
class _Asker:
    """Counts what is asked."""

    link: Link
    requests: int = field(default=0)
    asked: str = ""
    """What was asked last, as people read it."""
    has_answer: bool = False

    async def ask(self, request: Request) -> Response:
        self.requests += 1
        response = (await self.link.exchange(request)).response
        self.has_answer = True
        return response


async def _identify(asker: _Asker) -> tuple[tuple[str, str], ...]:
    """Return the objects by which a device says who it is; none where it does not."""
    found: list[tuple[str, str]] = []
    request = Identify(code=2)
    for _ in range(_IDENTITIES_MAX):
        response = await asker.ask(request)
        if not isinstance(response, Identity):
            if request != Identify(code=2):
                break
            request = Identify(code=1)
            response = await asker.ask(request)
        if not isinstance(response, Identity):
            break
        for key, text in response.objects:
            found.append((OBJECTS.get(key, f"object {key}"), text.decode("latin-1")))
        if response.next_id is None or response.next_id <= request.object_id:
            break
        request = Identify(request.code, response.next_id)
    return tuple(found)


async def _look(asker: _Asker, table: Table, first: int, end: int, found: dict[int, int]) -> bool:
    """Read entries from first to before end, in halves where they are refused.

    Returns:
        Whether the table is worth a further look.
    """
    function, count = _FUNCTIONS[table], end - first
    is_bits = table in BIT_TABLES
    kind = ReadBits if is_bits else ReadRegisters
    asker.asked = f"{table} {first}" + (f" to {end - 1}" if count > 1 else "")
    response = await asker.ask(kind(function, first, count))
    if isinstance(response, BitsRead | RegistersRead):
        found.update(zip(range(first, end), map(int, response.values), strict=True))
        return True
    code = getattr(response, "code", 0)
    if code not in {ExceptionCode.ILLEGAL_DATA_ADDRESS, ExceptionCode.ILLEGAL_DATA_VALUE}:
        return False
    if count == 1:
        return True
    if count <= _SINGLY:
        for place in range(first, end):
            if not await _look(asker, table, place, place + 1, found):
                return False
        return True
    middle = first + count // 2
    return await _look(asker, table, first, middle, found) and await _look(
        asker, table, middle, end, found
    )


def _stretches(table: Table, found: dict[int, int]) -> Iterator[Stretch]:
    """Join neighbouring entries."""
    run: list[int] = []
    for place in sorted(found):
        if run and place != run[-1] + 1:
            yield Stretch(table, run[0], tuple(found[each] for each in run))
            run = []
        run.append(place)
    if run:
        yield Stretch(table, run[0], tuple(found[each] for each in run))
