"""The calls that led to a fault, from a program instance on, as the program really went.

    LINE1 (Line) line 12 -> Cells[I] (FB_Cell) line 40 -> Mixer.Stir (FB_Mixer.Stir) line 7

The scan leaves one number for the whole way and the place of the innermost instance on it; what
they mean is found here, once there is a fault.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from runtime.artifact import abi
from runtime.artifact.calls import OWN, Call, Calls
from runtime.artifact.paths import PathError, Paths, instances_at
from runtime.artifact.program import CompiledProgram, Site, Symbol
from runtime.artifact.units import Unit
from runtime.datatypes.derived import Structure
from runtime.datatypes.values import Buffer

_U32: Final = struct.Struct("<I")
_U64: Final = struct.Struct("<Q")
_I64: Final = struct.Struct("<q")


@dataclass(frozen=True, slots=True)
class Link:
    """One routine of a chain."""

    routine: str
    name: str
    """What was called, as the caller writes it; of a program its instance. Empty: the routine."""
    file: str
    line: int
    """Where it calls the next one; of the last one, where the fault is."""
    column: int = 0
    """Set where the line calls the next one at several places."""
    instance: str = ""
    """Path of the instance that it runs on, LINE1.CELLS[3]; empty of a function, and where a
    reference led there from which the way went on."""

    @property
    def title(self) -> str:
        """Its name, with that of the routine where it is another one."""
        return f"{self.name} ({self.routine})" if self.name else self.routine

    @property
    def place(self) -> str:
        """Where it calls the next one."""
        return f"{self.file}:{self.line}{self.column_text}"

    @property
    def column_text(self) -> str:
        """The column where it tells calls apart, else nothing."""
        return f":{self.column}" if self.column else ""


@dataclass(frozen=True, slots=True)
class Chain:
    """The way to a fault; without links where it is not known."""

    links: tuple[Link, ...] = ()
    cause: str = ""
    """What the value that caused it was: `index 7 is outside 1..3`."""

    @property
    def instance(self) -> str:
        """Path of the innermost instance on it, empty where none is known."""
        return next((link.instance for link in reversed(self.links) if link.instance), "")

    def __str__(self) -> str:
        """Return it as users read it."""
        several = len({link.file for link in self.links}) > 1
        return " -> ".join(
            f"{link.title} {link.place if several else f'line {link.line}{link.column_text}'}"
            for link in self.links
        )


NO_CHAIN: Final = Chain()


@dataclass(frozen=True, slots=True)
class CallMap:
    """What chains are read from."""

    calls: Calls
    symbols: tuple[Symbol, ...]
    units: tuple[Unit, ...]

    @staticmethod
    def of(program: CompiledProgram) -> "CallMap":
        """Return that of a compiled program."""
        return CallMap(program.calls, program.symbols, program.units)

    def chain(self, site: Site, context: Buffer) -> Chain:
        """Return the calls that led to a fault.

        Args:
            site: Where it is.
            context: What the scan has left (`abi.FAULT_WAY` and so on).
        """
        (number,) = _U64.unpack_from(context, abi.FAULT_WAY)
        (offset,) = _U32.unpack_from(context, abi.FAULT_INSTANCE)
        (value,) = _I64.unpack_from(context, abi.FAULT_VALUE)
        way = _way(self.calls, site.routine, number)
        links = self._links(way, site, offset) if way else ()
        return Chain(links, site.cause(value))

    def _links(self, way: list[Call], site: Site, offset: int) -> tuple[Link, ...]:
        """Return the routines on a way, the innermost instance at an offset."""
        routines = [*(call.caller for call in way[1:]), site.routine]
        last = max(number for number, call in enumerate(way) if call.instance)
        innermost = self._instance_at(offset, routines[last]) if last else way[0].name
        instances = [way[0].name]
        for call in way[1:]:
            instances.append(self._onward(call.instance, instances[-1], innermost))
        instances[last] = innermost
        places = [*(self._place(*pair) for pair in zip(way[1:], routines[1:], strict=True))]
        places.append((site.file, site.line, 0))
        rows = zip(routines, way, places, instances, strict=True)
        return tuple(
            Link(routine, _told(call, routine, instance), *place, instance)
            for routine, call, place, instance in rows
        )

    def _place(self, call: Call, routine: str) -> tuple[str, int, int]:
        """Return file and line of a call, and the column where the line has several such calls."""
        here = call.caller, call.file, call.line
        places = [(item.caller, item.file, item.line) for item in self.calls[routine]]
        return call.file, call.line, call.column if places.count(here) > 1 else 0

    def _instance_at(self, offset: int, routine: str) -> str:
        """Return the path of the instance at a place that a block or method runs on.

        A block that is the first member of another one begins where that one does; so what counts
        is the inmost one there whose class has the routine.
        """
        bases = {unit.name.upper(): unit.base.upper() for unit in self.units}
        parts = routine.upper().split(".")
        owners = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
        paths = [
            symbol.path
            for symbol in instances_at(self.symbols, offset)
            if owners & _ancestry(str(symbol.type), bases)
        ]
        return paths[-1] if paths else ""

    def _onward(self, written: str, here: str, innermost: str) -> str:
        """Return the instance that a call on one instance goes on with, empty where it is open.

        Args:
            written: The call's `instance`.
            here: The caller's.
            innermost: The one that the way ends on: where it lies within, it tells the indices.
        """
        if written in ("", OWN):
            return here if written else ""
        names = [f"{here}.{written}", written] if here else [written]
        for name in map(str.upper, names):
            found = re.match(rf"{_pattern(name)}(?![\w\[])", innermost)
            if found:
                return found.group()
            if "[" not in name and self._is_instance(name):
                return name
        return ""

    def _is_instance(self, path: str) -> bool:
        try:
            return isinstance(Paths(self.symbols).find(path).type, Structure)
        except PathError:
            return False


_INDEX: Final = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]")
"""An index as it is written, perhaps with another one inside."""


def _pattern(written: str) -> str:
    """Return the pattern of paths that are what is written, whatever the indices."""
    return r"\[[^\[\]]*\]".join(re.escape(part.upper()) for part in _INDEX.split(written))


def _told(call: Call, routine: str, instance: str) -> str:
    """Return what was called where that tells more than the routine's name, with its indices."""
    name, written = call.name, call.instance
    if "[" in written and re.search(rf"(?:^|\.){_pattern(written)}$", instance):
        count = len(_INDEX.findall(written))
        indices = iter(_INDEX.findall(instance)[-count:])
        name = _INDEX.sub(lambda _: next(indices), written) + name[len(written) :]
    return "" if name.upper() == routine.upper() else name


def _way(calls: Calls, routine: str, number: int) -> list[Call]:
    """Return the calls of a way to a routine, the task's first; none where it is not known."""
    found: list[Call] = []
    while routine:
        fitting = [item for item in calls.get(routine, ()) if item.number <= number]
        if not fitting:
            return []
        call = fitting[-1]
        found.append(call)
        routine, number = call.caller, number - call.number
    return found[::-1]


def _ancestry(name: str, bases: Mapping[str, str]) -> set[str]:
    """Return a class and those that it extends."""
    found: set[str] = set()
    name = name.upper()
    while name and name not in found:
        found.add(name)
        name = bases.get(name, "")
    return found
