"""Cases of the language: an ST file whose first comment says what to set, and what must come out.

(* CASE clause=6.6.3.5.5 edition=3
   CYCLES 6 PERIOD 100ms
   SET 2 MAIN.IN=true                        before cycle 2; values are JSON
   EXPECT 4 MAIN.Q=true MAIN.ET=200000000    after cycle 4; cycles may be lists and ranges: 1-3,7
   ABSENT MAIN.Y                             the name is no variable that prints
   ERROR line=12 code=ST3001                 the source is rejected with an error on such a line;
                                             line may be 12, 12-14 or any, the code is optional
   FAULT cycle=3 kind=index-out-of-range line=20
   FILES other.st                            further sources in the same folder
   NOTE why
*)

A file whose name holds two underscores in a row ("lib__2.st") belongs to another case.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runtime.project.units import parse_duration

_HEADER: Final = re.compile(r"\s*\(\*\s*CASE\b(.*?)\*\)", re.DOTALL)
_NAME: Final = re.compile(r"\s*([A-Za-z_%][\w.%]*(?:\[[-\d,]+\][\w.%]*)*)=")
_DECODER: Final = json.JSONDecoder()


@dataclass(slots=True)
class Case:
    """One case: its sources, and what its header says."""

    path: Path
    attributes: dict[str, str]
    sources: list[str]
    cycles: int = 1
    period_ns: int = 100_000_000
    settings: dict[int, dict[str, object]] = field(default_factory=dict)
    expected: list[tuple[int, str, object]] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    error: dict[str, str] | None = None
    fault: dict[str, str] | None = None


def find_cases(folder: Path) -> list[Path]:
    """Return the files of all cases below a folder."""
    return sorted(path for path in folder.rglob("*.st") if "__" not in path.name)


def read_case(path: Path) -> Case:
    """Return the case of a file; a header that says nothing checkable is a fault of the test."""
    text = path.read_text(encoding="utf-8")
    match = _HEADER.match(text)
    assert match is not None, f"{path}: no header (* CASE … *)"
    first, *lines = match[1].splitlines()
    case = Case(path, dict(part.split("=", 1) for part in first.split()), [text])
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        if word:
            assert word in _READERS, f"{path}: unknown header word {word}"
            _READERS[word](case, rest.strip())
    assert case.expected or case.error or case.fault or case.absent, f"{path}: expects nothing"
    return case


def _cycles(case: Case, rest: str) -> None:
    words = rest.split()
    case.cycles = int(words[0])
    if words[1:2] == ["PERIOD"]:
        case.period_ns = parse_duration(words[2])


def _set(case: Case, rest: str) -> None:
    cycles, _, pairs = rest.partition(" ")
    for cycle in _numbers(cycles):
        case.settings.setdefault(cycle, {}).update(_pairs(pairs))


def _expect(case: Case, rest: str) -> None:
    cycles, _, pairs = rest.partition(" ")
    case.expected += [
        (cycle, name, value) for cycle in _numbers(cycles) for name, value in _pairs(pairs)
    ]


def _numbers(text: str) -> Iterator[int]:
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def _pairs(text: str) -> Iterator[tuple[str, object]]:
    at = 0
    while match := _NAME.match(text, at):
        value, at = _DECODER.raw_decode(text, match.end())
        yield match[1], value
    assert not text[at:].strip(), f"not a pair NAME=value: {text[at:]}"


def _error(case: Case, rest: str) -> None:
    case.error = dict(part.split("=", 1) for part in rest.split())


def _fault(case: Case, rest: str) -> None:
    case.fault = dict(part.split("=", 1) for part in rest.split())


def _files(case: Case, rest: str) -> None:
    case.sources += [(case.path.parent / name).read_text(encoding="utf-8") for name in rest.split()]


_READERS: Final[dict[str, Callable[[Case, str], None]]] = {
    "CYCLES": _cycles,
    "SET": _set,
    "EXPECT": _expect,
    "ABSENT": lambda case, rest: case.absent.extend(rest.split()),
    "ERROR": _error,
    "FAULT": _fault,
    "FILES": _files,
    "NOTE": lambda _case, _rest: None,
}


def lines_of(text: str) -> range | None:
    """Return the lines that `line=` of a header admits; None admits all."""
    if text == "any":
        return None
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def value_of(values: Mapping[str, object], name: str) -> object:
    """Return the value of a printed variable, or of a member of one; None where there is none."""
    if name in values:
        return values[name]
    owner, _, member = name.rpartition(".")
    structure = value_of(values, owner) if owner else None
    return structure.get(member) if isinstance(structure, dict) else None
