"""The types of a program's objects: programs, function blocks, classes, structures, enumerations.

Each is made on its first use, under CtrlProgramType, CtrlFunctionBlockType or BaseObjectType, and
under the type of the block that it extends. It declares what its instances may have: in-outs too,
whose instances have none, since they stand for a variable of the caller while a call lasts.
"""

from collections.abc import Iterable
from typing import Final

from asyncua import ua

from gateway.serve.opcua.builder import Builder, Place, VariableForm, attribute
from gateway.serve.opcua.coding import coding_of
from gateway.serve.opcua.plcopen import Types
from gateway.serve.opcua.variables import Group, Node, Variable
from runtime.artifact.units import Unit
from runtime.datatypes.elementary import ELEMENTARY
from runtime.datatypes.scalars import Enumeration

_OBJECT_TYPE: Final = ua.NodeId(ua.ObjectIds.BaseObjectType)
_ANY_VALUE: Final = ua.NodeId(ua.ObjectIds.BaseDataType)
_IN_OUT: Final = "VAR_IN_OUT"
_READ: Final = 1


class Kinds:
    """Types in an address space, by the names that the program gives them."""

    def __init__(self, build: Builder, types: Types, units: Iterable[Unit]) -> None:
        """Make none yet."""
        self._build = build
        self._types = types
        self._units = {unit.name.upper(): unit for unit in units}
        self._made: dict[str, ua.NodeId] = {}
        self._declared: set[ua.NodeId] = set()

    def of(self, group: Group) -> ua.NodeId:
        """Return the type of an object; an array of objects has none of its own."""
        if not group.type_name:
            return _OBJECT_TYPE
        found = self._empty(group.type_name, group.unit)
        if group.unit is not None and found not in self._declared:
            self._declared.add(found)
            self._declare(found, group, group.unit)
        return found

    def data_type(self, variable: Variable) -> ua.NodeId:
        """Return the type of a variable's value."""
        kind = variable.enumeration
        return ua.NodeId(variable.coding.data_type) if kind is None else self._enumeration(kind)

    def _id(self, name: str) -> ua.NodeId:
        return ua.NodeId(f"Types/{name}", self._build.namespace)

    def _empty(self, name: str, unit: Unit | None) -> ua.NodeId:
        """Return a type that declares nothing yet."""
        key = name.upper()
        if key not in self._made:
            node = self._made[key] = self._id(name)
            self._build.put_object_type(node, name, self._above(unit))
        return self._made[key]

    def _above(self, unit: Unit | None) -> ua.NodeId:
        if unit is None:
            return _OBJECT_TYPE
        base = self._units.get(unit.base.upper())
        if base is not None and base.kind == unit.kind:
            return self._empty(base.name, base)
        if unit.kind == "PROGRAM":
            return self._types.program
        return self._types.function_block if unit.kind == "FUNCTION_BLOCK" else _OBJECT_TYPE

    # -- what instances may have ------------------------------------------------------------------
    def _declare(self, node: ua.NodeId, group: Group, unit: Unit) -> None:
        place = self._build.existing(node)
        for member in group.members:
            self._build.declare(self._declaration(member, place))
        for item in unit.members:
            if item.section == _IN_OUT:
                reference = self._types.reference(_IN_OUT if unit.kind != "CLASS" else "")
                form = _form(_named(item.type_name))
                at = self._id(f"{unit.name}.{item.name}")
                self._build.declare(self._build.put_variable(at, item.name, place, form, reference))

    def _declaration(self, member: Node, parent: Place) -> Place:
        at = ua.NodeId(f"{parent.data.nodeid.Identifier}.{member.name}", self._build.namespace)
        reference = self._types.reference(member.section)
        if isinstance(member, Group):
            return self._build.put_object(at, member.name, parent, self.of(member), reference)
        form = _form(self.data_type(member), member.lengths)
        return self._build.put_variable(at, member.name, parent, form, reference)

    def _enumeration(self, kind: Enumeration) -> ua.NodeId:
        key = f"enum {kind.name.upper()}"
        if key not in self._made:
            node = self._made[key] = self._id(kind.name)
            names = {value: name for name, value in kind.values}
            self._build.put_enumeration(node, kind.name, names)
        return self._made[key]


def _form(data_type: ua.NodeId, dimensions: tuple[int, ...] = ()) -> VariableForm:
    value = attribute(None, ua.VariantType.Null)
    return VariableForm(value, data_type, _READ, dimensions=dimensions)


def _named(type_name: str) -> ua.NodeId:
    """Return the type of a value by the name of an elementary type; any value for others."""
    plain = ELEMENTARY.get(type_name)
    coding = coding_of(plain) if plain is not None else None
    return ua.NodeId(coding.data_type) if coding is not None else _ANY_VALUE
