"""The units of a model for those outside: which variable stands in which section."""

from typing import Final

from runtime.artifact.units import Member, Unit, structure_names, with_bases
from runtime.model.hidden import HIDDEN_SECTION
from runtime.model.program import Instance, Variable
from runtime.model.scope import Names, RoutineInfo

_INSIDE: Final = frozenset({"VAR_TEMP", HIDDEN_SECTION})
_SHOWN: Final = {
    "VAR_INPUT": "VAR_INPUT",
    "VAR_OUTPUT": "VAR_OUTPUT",
    "VAR_IN_OUT": "VAR_IN_OUT",
    "VAR_GLOBAL": "VAR_EXTERNAL",  # what a unit has of a global variable is its declaration
}
"""Sections as others see them; all else is VAR."""


def units_of(
    names: Names, instances: list[tuple[Instance, RoutineInfo]], variables: list[Variable]
) -> tuple[Unit, ...]:
    """Return the programs that have instances, and the blocks and classes within variables."""
    wanted = structure_names(item.place.type for item in variables)
    wanted |= {info.name.upper() for _, info in instances}
    bases = {
        key: info.base.name.upper() for key, info in names.routines.items() if info.base is not None
    }
    return tuple(
        _unit(names.routines[key])
        for key in sorted(with_bases(wanted, bases))
        if key in names.routines
    )


def _unit(info: RoutineInfo) -> Unit:
    members = tuple(
        Member(
            key,
            _SHOWN.get(item.section, "VAR"),
            str(item.type),
            item.constant,
        )
        for key, item in info.variables.items()
        if item.section not in _INSIDE
    )
    base = info.base.name if info.base is not None else ""
    return Unit(info.name, info.kind, base, members)
