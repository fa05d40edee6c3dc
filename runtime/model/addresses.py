"""Located variables (6.5.5): a variable AT an address must have the address's width."""

from runtime.datatypes.elementary import Elementary
from runtime.model.places import place_of_address, read_address
from runtime.model.program import Place
from runtime.model.scope import RoutineInfo, TypeInfo
from runtime.model.work import Declarations
from runtime.project.units import Address
from runtime.syntax import tree


def located(
    variable: tree.Variable, resolved: TypeInfo, info: RoutineInfo | None, work: Declarations
) -> Place | None:
    """Return the place of a variable with an address, and note its initial value."""
    assert variable.address is not None
    if info is not None and info.has_calls:
        text = f"{variable.name} cannot have an address: a function's variables are its own"
        work.names.findings.error("ST2008", variable.span, text)
        return None
    place = address_place(variable, resolved, work)
    if place is not None and variable.initial is not None:
        work.pokes.append((place, resolved.initial))
    return place


def address_place(variable: tree.Variable, resolved: TypeInfo, work: Declarations) -> Place | None:
    """Return the place of a variable's address, after checking that its type fits (ST2008)."""
    assert variable.address is not None
    address = read_address(variable.address.text, variable.address.span, work.names)
    if address is None:
        return None
    if not isinstance(resolved.type, Elementary) or _width(resolved.type) != address.width:
        text = f"{resolved.type} does not fit the {_describe(address)} at {variable.address.text}"
        work.names.findings.error("ST2008", variable.address.span, text)
        return None
    return place_of_address(address, work.names, resolved.type)


def _width(data_type: Elementary) -> int:
    return 1 if data_type.name == "BOOL" else data_type.bits


def _describe(address: Address) -> str:
    return "bit" if address.width == 1 else f"{address.width} bits"
