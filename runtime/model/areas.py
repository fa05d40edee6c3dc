"""How large the areas %I, %Q and %M are: up to the last address, and what goes on behind it.

The areas stand before everything else in the state, so their sizes come first. What a single value
needs its address tells. Arrays and strings at addresses go on for as long as their declarations
say, which may use constants and types of other sources: so where there are such variables, all
declarations are worked out once before, for that alone.

    Raw AT %IB0 : ARRAY [1..LAST] OF BYTE    ->    LAST bytes of %I, whatever LAST is
"""

from collections.abc import Iterator

from runtime.datatypes.derived import align
from runtime.datatypes.elementary import ELEMENTARY
from runtime.diagnostics.diagnostic import Findings
from runtime.model.addresses import address_place
from runtime.model.declare import declare_all
from runtime.model.scope import Names
from runtime.model.types import resolve_type
from runtime.syntax import tree


def sizes_of_areas(units: tuple[tree.Unit, ...], told: dict[str, int]) -> dict[str, int]:
    """Return the bytes of the areas I, Q and M.

    Args:
        units: The trees of all sources.
        told: What the addresses in the sources and those of channels need by themselves.
    """
    if not any(_goes_on(item) for unit in units for item in _variables(unit)):
        return told
    work = declare_all(units, Names(Findings(), area_sizes=told))
    for unit in units:
        for variable in _configured(unit):
            resolved = resolve_type(variable.type, work.scope_of(), work)
            if resolved is not None and variable.address is not None:
                address_place(variable, resolved, work)
    ends = work.area_ends
    return {area: max(size, align(ends.get(area, 0), 8)) for area, size in told.items()}


def _goes_on(variable: tree.Variable) -> bool:
    """Whether a variable may take more than its address tells: its type is no elementary one."""
    kind = variable.type
    is_single = isinstance(kind, tree.NamedType) and kind.name.upper() in ELEMENTARY
    return variable.address is not None and not is_single


def _variables(unit: tree.Unit) -> Iterator[tree.Variable]:
    pous = [block for pou in unit.pous for block in pou.blocks]
    whole = [block for item in unit.configurations for block in item.blocks]
    for block in (*unit.globals, *pous, *whole):
        yield from block.variables


def _configured(unit: tree.Unit) -> Iterator[tree.Variable]:
    for configuration in unit.configurations:
        for block in configuration.blocks:
            if block.section == "VAR_CONFIG":
                yield from block.variables
