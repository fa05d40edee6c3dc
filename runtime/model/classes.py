"""Classes and interfaces: inheritance, the table of methods, and what instances say of themselves.

An instance of a class begins with the number of its class (UDINT), so that a call through a
reference finds the method of the class it really is. A function block that has no methods and
implements nothing has no such number; neither has a standard block, so a class that extends one
has it in front of the base's members.
"""

from dataclasses import replace

from runtime.datatypes.elementary import UDINT
from runtime.datatypes.scalars import reference
from runtime.model.program import Constant
from runtime.model.scope import RoutineInfo, TypeInfo, shifted
from runtime.model.types import scalar_bytes
from runtime.model.work import Declarations, Layout
from runtime.syntax import tree


def begin_class(pou: tree.Pou, info: RoutineInfo, layout: Layout, work: Declarations) -> None:
    """Lay out what a class inherits: its number, then the members of its base."""
    info.modifiers = pou.modifiers
    base = _base(pou, work)
    interfaces = {key for name in pou.heritage.interfaces for key in _interface(name, work)}
    info.interfaces = frozenset(interfaces | (base.interfaces if base is not None else set()))
    numbered = base is not None and base.type_id > 0
    speaks = numbered or pou.kind == "CLASS" or bool(pou.methods or info.interfaces)
    if speaks:
        work.names.type_ids += 1
        info.type_id = work.names.type_ids
        if not numbered:
            layout.add("CLASS", UDINT, bytes(4), hidden=True)
    if base is not None and base.structure is not None:
        _inherit(base, info, layout)
    if speaks:
        layout.parts.append((0, scalar_bytes(Constant(UDINT, info.type_id))))


def _base(pou: tree.Pou, work: Declarations) -> RoutineInfo | None:
    findings = work.names.findings
    if not pou.heritage.bases:
        return None
    name = pou.heritage.bases[0]
    for extra in pou.heritage.bases[1:]:
        findings.error("ST8005", extra.span, f"{pou.name.name} can extend one class only")
    assert work.declare_routine is not None
    key = name.name.upper()
    known = key in work.routine_trees or key in work.names.routines
    base = work.declare_routine(key, name.span, work) if known else None
    if base is None or base.kind not in {"CLASS", "FUNCTION_BLOCK"}:
        if base is not None or not known:
            text = f"there is no class or function block {name.name} to extend"
            findings.error("ST2002", name.span, text)
        return None
    if "FINAL" in base.modifiers:
        findings.error("ST8003", name.span, f"{base.name} is FINAL and cannot be extended")
    return base


def _interface(name: tree.Name, work: Declarations) -> frozenset[str]:
    """Return an interface and those it extends."""
    assert work.declare_routine is not None
    key = name.name.upper()
    info = None
    if key in work.routine_trees or key in work.names.routines:
        info = work.declare_routine(key, name.span, work)
    if info is None or info.kind != "INTERFACE":
        work.names.findings.error("ST2002", name.span, f"there is no interface {name.name}")
        return frozenset()
    return info.interfaces | {key}


def _inherit(base: RoutineInfo, info: RoutineInfo, layout: Layout) -> None:
    assert base.structure is not None
    info.base, info.base_offset = base, layout.inherit(base.structure, base.initial)
    info.methods.update(base.methods)
    moved = info.base_offset
    info.relocations += [(at + moved, target + moved) for at, target in base.relocations]
    for key, variable in base.variables.items():
        if variable.access != "PRIVATE":
            info.variables[key] = replace(variable, place=shifted(variable.place, moved))


def declare_interface(pou: tree.Pou, info: RoutineInfo, work: Declarations) -> None:
    """Work out an interface: variables of it hold a reference to an instance."""
    key = info.name.upper()
    info.interfaces = frozenset(
        item for name in pou.heritage.bases for item in _interface(name, work)
    )
    for inherited in sorted(info.interfaces):
        info.methods.update(work.names.routines[inherited].methods)
    work.names.types[key] = TypeInfo(reference(key, "INTERFACE"), bytes(8))


def check_heritage(pou: tree.Pou, info: RoutineInfo, work: Declarations) -> None:
    """Check what a class does with inherited methods, and that it has those of its interfaces."""
    if info.kind == "INTERFACE":
        return
    for method in pou.methods:
        _check_override(method, info, work)
    if "ABSTRACT" not in info.modifiers:
        _check_complete(info, work)


def _check_override(method: tree.Pou, info: RoutineInfo, work: Declarations) -> None:
    findings, name = work.names.findings, method.name
    inherited = info.base.methods if info.base is not None else {}
    above = work.names.routines.get(inherited.get(name.name.upper(), ""))
    if above is not None and "FINAL" in above.modifiers:
        text = f"{above.name} is FINAL and cannot be overridden"
        findings.error("ST8003", name.span, text)
    elif above is None and "OVERRIDE" in method.modifiers:
        text = f"{name.name} overrides nothing: no base has such a method"
        findings.error("ST8003", name.span, text)


def _check_complete(info: RoutineInfo, work: Declarations) -> None:
    """Report the methods that a class promises and does not have (ST8002)."""
    findings, routines = work.names.findings, work.names.routines
    for name, key in info.methods.items():
        if "ABSTRACT" in routines[key].modifiers:
            text = f"{info.name} is not ABSTRACT but has no body for the method {name}"
            findings.error("ST8002", info.span, text)
    for interface in sorted(info.interfaces):
        for name in routines[interface].methods:
            if name not in info.methods:
                text = f"{info.name} implements {routines[interface].name} but has no {name}"
                findings.error("ST8002", info.span, text)
