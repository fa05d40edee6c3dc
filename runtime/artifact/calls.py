"""The calls of a program, each with its share in the number that tells the way to a fault.

The numbers are such that their sum along a way tells the way (`model.ways`): of the calls of one
routine the last one whose number is not above the sum was on it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a routine, or a program instance that a task runs."""

    number: int
    caller: str
    """The routine that it stands in, by its title; empty where a task runs a program."""
    name: str
    """What is called, as it is written there: `Cells[I]`; or the program instance."""
    file: str = ""
    line: int = 0
    column: int = 0
    instance: str = ""
    """The instance that it is called on, as it is written there; `OWN` for the caller's own; empty
    for a function."""


OWN: Final = "THIS"


Calls = Mapping[str, tuple[Call, ...]]
"""The calls of each routine, by its title, in the order of their numbers."""


def encode_calls(calls: Calls) -> object:
    """Return calls as JSON holds them."""
    files = sorted({call.file for group in calls.values() for call in group})
    number_of = {file: number for number, file in enumerate(files)}
    rows = [
        [
            routine,
            [
                [
                    call.number, call.caller, call.name, number_of[call.file], call.line,
                    call.column, call.instance,
                ]
                for call in group
            ],
        ]
        for routine, group in calls.items()
    ]  # fmt: skip
    return {"files": files, "routines": rows}


def decode_calls(encoded: Any) -> Calls:
    """Return the calls that `encode_calls` wrote."""
    files: list[str] = encoded["files"]
    return {routine: tuple(_decoded(group, files)) for routine, group in encoded["routines"]}


def _decoded(group: list[list[Any]], files: list[str]) -> Iterable[Call]:
    for number, caller, name, file, line, column, instance in group:
        yield Call(number, caller, name, files[file], line, column, instance)
