"""Namespaces (6.9): names are made whole before the model sees them.

The parser names what stands in a namespace by its full name, NS.INNER.F, and notes where its body
looks names up. Here the names in types, calls and heritage are replaced by full ones: what is not
found in the namespaces around, from the inside out, nor in those of USING, stays as it is. What is
INTERNAL has its name only in the namespace that it is declared in, and inside of that.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

from runtime.diagnostics.diagnostic import Findings
from runtime.source import Span
from runtime.syntax import tree


def resolve_namespaces(units: tuple[tree.Unit, ...], findings: Findings) -> tuple[tree.Unit, ...]:
    """Return the units with full names; they are the same where no namespace is declared.

    A name that is INTERNAL to a namespace and used outside of it is reported (ST2006).
    """
    names = [item.name for unit in units for item in unit.pous]
    names += [item.name for unit in units for item in unit.types]
    declared = frozenset(name.name.upper() for name in names)
    if not any("." in name for name in declared):
        return units
    plain = _Names((), declared, frozenset(), "", _internals(units), findings)
    return tuple(
        dataclasses.replace(
            unit,
            pous=tuple(_unit_resolved(item, plain) for item in unit.pous),
            types=tuple(_unit_resolved(item, plain) for item in unit.types),
            globals=_rebuilt(unit.globals, plain),
            configurations=_rebuilt(unit.configurations, plain),
        )
        for unit in units
    )


def _internals(units: tuple[tree.Unit, ...]) -> tuple[tuple[str, str], ...]:
    """Return what is INTERNAL, a namespace or a unit, with the namespace that may name it."""
    names = [name for unit in units for name in unit.internal]
    units_read = [item for unit in units for item in unit.pous]
    names += [item.name.name for item in units_read if "INTERNAL" in item.modifiers]
    return tuple((name.upper(), name.upper().rpartition(".")[0]) for name in names)


_Item = TypeVar("_Item", tree.Pou, tree.TypeDeclaration)


def _unit_resolved(item: _Item, plain: "_Names") -> _Item:
    variables: frozenset[str] = frozenset()
    if isinstance(item, tree.Pou):
        variables = frozenset(
            variable.name.upper() for block in item.blocks for variable in block.variables
        )
    own = item.name.name.upper().rpartition(".")[0]
    names = dataclasses.replace(plain, within=item.within, variables=variables, own=own)
    resolved: _Item = _rebuilt(item, names)
    return dataclasses.replace(resolved, name=item.name)


@dataclasses.dataclass(frozen=True, slots=True)
class _Names:
    """Where names are looked up: the namespaces in their order, what is declared, variables.

    `own` is the namespace of the unit, `internals` what is INTERNAL to which namespace.
    """

    within: tuple[str, ...]
    declared: frozenset[str]
    variables: frozenset[str]
    own: str
    internals: tuple[tuple[str, str], ...]
    findings: Findings

    def full(self, name: str, span: Span) -> str:
        """Return the full name of a type or routine, or the name as it is."""
        candidates = (f"{prefix}.{name}".upper() for prefix in self.within)
        found = next((item for item in candidates if item in self.declared), None)
        whole = found or name
        for inner, outer in self.internals:
            if _is_in(whole.upper(), inner) and outer and not _is_in(self.own, outer):
                text = f"{inner} is INTERNAL to {outer}"
                self.findings.error("ST2006", span, text)
        return whole


def _is_in(name: str, namespace: str) -> bool:
    """Whether a name is that of a namespace or of something in it."""
    return name == namespace or name.startswith(f"{namespace}.")


def _rebuilt(node: Any, names: _Names) -> Any:
    """Return a node, or a tuple of nodes, with full names in it."""
    if isinstance(node, tuple) and not hasattr(node, "_fields"):
        return tuple(_rebuilt(item, names) for item in node)
    if not dataclasses.is_dataclass(node) or isinstance(node, type):
        return node
    special = _SPECIAL.get(type(node))
    if special is not None:
        node = special(node, names)
    changes = {
        item.name: rebuilt
        for item in dataclasses.fields(node)
        if (rebuilt := _rebuilt(value := getattr(node, item.name), names)) is not value
    }
    return dataclasses.replace(node, **changes) if changes else node


def _named_type(node: tree.NamedType, names: _Names) -> tree.NamedType:
    return dataclasses.replace(node, name=names.full(node.name, node.span))


def _call(node: tree.Call, names: _Names) -> tree.Call:
    """Return a call whose callee is one full name, where its dots separate namespaces."""
    spelt = _dotted(node.callee)
    if spelt is None or spelt.partition(".")[0].upper() in names.variables:
        return node
    whole = names.full(spelt, node.callee.span)
    if whole.upper() not in names.declared:
        return node
    return dataclasses.replace(node, callee=tree.Name(node.callee.span, whole))


def _dotted(node: tree.Expression) -> str | None:
    if isinstance(node, tree.Name):
        return node.name
    if isinstance(node, tree.Member):
        outer = _dotted(node.object)
        return None if outer is None else f"{outer}.{node.name}"
    return None


def _heritage(node: tree.Heritage, names: _Names) -> tree.Heritage:
    return tree.Heritage(
        tuple(tree.Name(item.span, names.full(item.name, item.span)) for item in node.bases),
        tuple(tree.Name(item.span, names.full(item.name, item.span)) for item in node.interfaces),
    )


def _program(node: tree.ProgramInstance, names: _Names) -> tree.ProgramInstance:
    whole = tree.Name(node.type.span, names.full(node.type.name, node.type.span))
    return dataclasses.replace(node, type=whole)


_SPECIAL: dict[type, Callable[[Any, _Names], Any]] = {
    tree.NamedType: _named_type,
    tree.Call: _call,
    tree.Heritage: _heritage,
    tree.ProgramInstance: _program,
}
