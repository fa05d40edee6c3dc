"""RETAIN, NON_RETAIN and PERSISTENT (6.5.6): where they may stand, and what is kept by them.

The word said of a variable holds for all of it. Members of an instance follow the instance's word,
but for those that say a word of their own; instances inside an instance follow it as well, which
the standard leaves to the implementation. What is kept of an instance is described by a type that
has the kept members only, at their offsets. References are never kept: what they refer to may move.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from runtime.artifact.program import Retained, Retention, Symbol
from runtime.datatypes.derived import Array, DataType, Field, Structure
from runtime.datatypes.elementary import Elementary
from runtime.datatypes.scalars import Reference
from runtime.diagnostics.diagnostic import Findings
from runtime.model.program import Base, Instance, Place
from runtime.model.scope import Names, RoutineInfo, VariableInfo
from runtime.syntax import tree

_KEEPING: Final = (Retention.RETAIN, Retention.PERSISTENT)
_WORDS: Final = frozenset({"RETAIN", "PERSISTENT", "NON_RETAIN"})
_LASTING: Final = frozenset({"VAR_STAT", "VAR_INST"})
_SECTIONS: Final = frozenset({"VAR", "VAR_INPUT", "VAR_OUTPUT", "VAR_GLOBAL"}) | _LASTING
_CALLED: Final = frozenset({"FUNCTION", "METHOD", "INTERFACE"})


def retention_of(qualifiers: tuple[str, ...]) -> Retention:
    """Return what the words of a section say; PERSISTENT includes RETAIN."""
    for word in (Retention.PERSISTENT, Retention.RETAIN, Retention.NON_RETAIN):
        if word.name in qualifiers:
            return word
    return Retention.UNSAID


# -- where the words may stand --------------------------------------------------------------------


def check_retention(units: tuple[tree.Unit, ...], findings: Findings) -> None:
    """Report the words where they have no meaning (ST2022)."""
    for unit in units:
        for block in unit.globals:
            _check_block(block, "", findings)
        for configuration in unit.configurations:
            for block in configuration.blocks:
                _check_block(block, "", findings)
        for pou in unit.pous:
            for part in (pou, *pou.methods):
                for block in part.blocks:
                    _check_block(block, part.kind, findings)


def _check_block(block: tree.VarBlock, kind: str, findings: Findings) -> None:
    words = [word for word in block.qualifiers if word in _WORDS]
    if not words:
        return
    reason = ""
    if block.section not in _SECTIONS:
        reason = f"a {block.section} has nothing to keep"
    elif kind in _CALLED and block.section not in _LASTING:
        reason = f"the variables of a {kind} live for one call"
    elif "CONSTANT" in block.qualifiers:
        reason = "a CONSTANT never changes"
    elif "NON_RETAIN" in words and len(set(words)) > 1:
        reason = "the words contradict each other"
    if reason:
        findings.error("ST2022", block.span, f"{' '.join(words)} has no meaning here: {reason}")


# -- what is kept ---------------------------------------------------------------------------------


def retained_variables(
    names: Names, instances: list[tuple[Instance, RoutineInfo, Retention]]
) -> tuple[Retained, ...]:
    """Return all that is kept, in the order of the places in the state.

    Args:
        names: All declarations.
        instances: The program instances with what their CONFIGURATION says of them.
    """
    found: dict[tuple[int, int, Retention], Retained] = {}
    shared = [(item.name, item) for item in names.globals.values()]
    for info in names.routines.values():
        for key, item in info.variables.items():
            if item.section != "VAR_GLOBAL" and item.place.base is Base.STATE:
                shared.append((f"{info.name}.{key}", item))
    for path, item in shared:
        for kept in _kept(path.upper(), item, item.place, Retention.UNSAID, names):
            found.setdefault((kept.symbol.offset, kept.symbol.bit, kept.retention), kept)
    for instance, info, word in instances:
        for key, item in info.variables.items():
            if item.place.base is Base.SELF and item.section != "VAR_TEMP":
                offset = instance.offset + item.place.offset
                place = Place(Base.STATE, offset, item.type)
                for kept in _kept(f"{instance.name}.{key}", item, place, word, names):
                    found[offset, -1, kept.retention] = kept
    _warn_of_references(names)
    return tuple(item for _, item in sorted(found.items()))


def _kept(
    path: str, item: VariableInfo, place: Place, word: Retention, names: Names
) -> Iterator[Retained]:
    said = item.retention or word
    for wanted in _KEEPING:
        kept = _kept_type(place.type, said, wanted, names)
        if kept is not None:
            yield Retained(Symbol(path, place.offset, kept, place.bit), wanted)


def _kept_type(
    data_type: DataType, said: Retention, wanted: Retention, names: Names
) -> DataType | None:
    """Return the part of a type that is kept as `wanted`, or None."""
    if isinstance(data_type, Reference):
        return None
    if isinstance(data_type, Elementary):
        return data_type if said is wanted else None
    if isinstance(data_type, Array):
        element = _kept_type(data_type.element, said, wanted, names)
        return None if element is None else replace(data_type, element=element)
    if not isinstance(data_type, Structure):
        return None
    if data_type.is_union:
        whole = said is wanted and not _refers(data_type)
        return data_type if whole else None
    routine = names.routines.get(data_type.name.upper())
    if routine is None:
        parts = [(item.name, item.offset, item.type, said) for item in data_type.fields]
    else:
        parts = [
            (name, offset, item.type, item.retention or said)
            for name, offset, item in _members(routine)
        ]
    fields = tuple(
        Field(name, offset, kept)
        for name, offset, part, word in sorted(parts, key=lambda part: part[1])
        if (kept := _kept_type(part, word, wanted, names)) is not None
    )
    if not fields:
        return None
    return Structure(data_type.name, fields, data_type.size, data_type.alignment)


def _members(routine: RoutineInfo) -> Iterator[tuple[str, int, VariableInfo]]:
    """Yield the members of an instance with their offsets, those that a base keeps PRIVATE too."""
    info: RoutineInfo | None = routine
    shift, seen = 0, set[int]()
    while info is not None:
        for key, item in info.variables.items():
            offset = shift + item.place.offset
            inside = item.place.base is Base.SELF and item.section != "VAR_TEMP"
            if inside and offset not in seen:
                seen.add(offset)
                yield key if info is routine else f"{info.name.upper()}.{key}", offset, item
        shift += info.base_offset
        info = info.base


def _warn_of_references(names: Names) -> None:
    declared = [*names.globals.values()]
    for info in names.routines.values():
        declared += [item for item in info.variables.values() if item.section != "VAR_GLOBAL"]
    for span, item in {item.span: item for item in declared}.items():
        if item.retention in _KEEPING and _refers(item.type):
            text = f"references in {item.name} are not kept: what they refer to may move"
            names.findings.warning("ST2023", span, text, "they start as declared")


def _refers(data_type: DataType) -> bool:
    """Whether a value of a type holds a reference."""
    if isinstance(data_type, Array):
        return _refers(data_type.element)
    if isinstance(data_type, Structure):
        return any(_refers(item.type) for item in data_type.fields)
    return isinstance(data_type, Reference)
