"""Declarations: give every variable a place, every routine its interface.

Types, blocks and constants may be declared in any order and in any source, so each is worked out
when it is first needed; one that is needed while it is being worked out contains itself.
"""

from dataclasses import replace
from typing import Final

from runtime.datatypes.derived import UNKNOWN, Array, OpenArray, Structure, align
from runtime.datatypes.elementary import LINT, Elementary
from runtime.datatypes.scalars import Reference, reference
from runtime.datatypes.texts import Text, read_text
from runtime.datatypes.values import load
from runtime.limits import FRAME_BYTES_MAX, STATE_BYTES_MAX
from runtime.model.addresses import located
from runtime.model.classes import begin_class, check_heritage, declare_interface
from runtime.model.collect import check_name, collect
from runtime.model.edges import check_edge
from runtime.model.expressions import check_as
from runtime.model.hidden import CONTROL_TYPE, HIDDEN_SECTION, hidden_blocks, instance_name
from runtime.model.initial import initial_bytes
from runtime.model.program import AddressOf, Base, Constant, Load, Place, TextConstant
from runtime.model.retention import retention_of
from runtime.model.scope import (
    Names,
    RoutineInfo,
    Scope,
    TypeInfo,
    VariableInfo,
    block_within,
    referred,
)
from runtime.model.sfc import action_routines
from runtime.model.texts import text_constant
from runtime.model.types import named_type, resolve_type, scalar_bytes
from runtime.model.work import (
    NOWHERE,
    Declarations,
    Layout,
    LocalVariable,
    enter,
    report_size,
)
from runtime.source import Span
from runtime.stdlib.charts import ACTION_CONTROL
from runtime.stdlib.declare import StandardBlock
from runtime.stdlib.library import BLOCKS
from runtime.syntax import tree

_ACCESS: Final = frozenset({"PUBLIC", "PROTECTED", "PRIVATE", "INTERNAL"})
_SECTION_PLACES: Final = {
    "VAR_INST": "it belongs in a METHOD of a class or function block",
    "VAR_CONFIG": "it belongs in a CONFIGURATION",
    "VAR_ACCESS": "it belongs in a CONFIGURATION",
}
_WITHOUT_ADDRESS: Final = frozenset({"VAR_IN_OUT", "VAR_STAT"})


def declare_all(units: tuple[tree.Unit, ...], names: Names) -> Declarations:
    """Collect and work out all declarations of the units."""
    work = Declarations(names, declare_routine=_routine)
    for area in ("I", "Q", "M"):
        names.area_offsets[area] = work.state_end
        work.state_end = align(work.state_end + names.area_sizes[area], 8)
    for block in BLOCKS.values():
        names.routines[block.name] = _standard_block(block)
    control = _standard_block(ACTION_CONTROL)
    assert control.structure is not None
    names.types[CONTROL_TYPE.upper()] = TypeInfo(control.structure, control.initial)
    collect(units, work)
    for key in work.global_trees:
        _global(key, work)
    for key, declaration in work.type_trees.items():
        named_type(key, declaration.name.span, work)
    for key, pou in work.routine_trees.items():
        _routine(key, pou.name.span, work)
    for spelt, span in work.pending:
        named_type(spelt.upper(), span, work, spelt)
    return work


# -- routines -----------------------------------------------------------------------------------


def _standard_block(block: StandardBlock) -> RoutineInfo:
    info = RoutineInfo(block.name, "FUNCTION_BLOCK", NOWHERE, standard=block)
    layout = Layout(block.name)
    sections = (("VAR_INPUT", block.inputs), ("VAR_OUTPUT", block.outputs), ("VAR", block.state))
    for section, members in sections:
        for name, (data_type, value) in members.items():
            constant = Constant(data_type, value)
            image = scalar_bytes(constant)
            offset = layout.add(name, data_type, image)
            place = Place(Base.SELF, offset, data_type, owner=f"{block.name}.{name}")
            info.variables[name] = VariableInfo(
                name, section, data_type, place, NOWHERE, value=constant
            )
    info.structure, info.initial = layout.structure(), layout.image()
    return info


def _routine(key: str, span: Span, work: Declarations) -> RoutineInfo | None:
    known = work.names.routines.get(key)
    if known is not None:
        return known
    pou = work.routine_trees[key]
    if not enter(key, pou.name.name, span, work):
        return None
    source = pou if pou.kind != "INTERFACE" else None
    info = RoutineInfo(pou.name.name, pou.kind, pou.name.span, source=source)
    info.result_name = pou.name.name.rpartition(".")[2]
    layout = Layout(pou.name.name)
    if pou.kind == "INTERFACE":
        declare_interface(pou, info, work)
    elif pou.kind in {"CLASS", "FUNCTION_BLOCK"}:
        begin_class(pou, info, layout, work)
    _variables(key, pou, info, layout, work)
    work.open.discard(key)
    work.names.routines[key] = info
    for action, routine in action_routines(pou, info).items():
        work.names.routines[action] = routine
        work.locals[action], work.temporaries[action] = [], []
    for method in pou.methods:
        _refuse_hook(method, work)
        _method(method, info, work)
    check_heritage(pou, info, work)
    return info


def _refuse_hook(method: tree.Pou, work: Declarations) -> None:
    """Refuse a method that CODESYS calls by itself: here it would silently not run."""
    if method.name.name.upper() in {"FB_INIT", "FB_REINIT", "FB_EXIT"}:
        text = f"{method.name.name} is not supported: nothing calls it"
        hint = "give variables initial values, or call a method of another name in the first scan"
        work.names.findings.error("ST9001", method.name.span, text, hint)


def _method(pou: tree.Pou, owner: RoutineInfo, work: Declarations) -> None:
    """Work out a method of a class: a function that runs on an instance."""
    name = pou.name.name.upper()
    key = f"{owner.name}.{name}".upper()
    if key in work.names.routines:
        text = f"{pou.name.name} is already a method of {owner.name}"
        work.names.findings.error("ST2003", pou.name.span, text)
        return
    is_abstract = owner.kind == "INTERFACE" or "ABSTRACT" in pou.modifiers
    info = RoutineInfo(
        f"{owner.name}.{pou.name.name}",
        "METHOD",
        pou.name.span,
        source=None if is_abstract else pou,
        modifiers=(*pou.modifiers, "ABSTRACT") if is_abstract else pou.modifiers,
        owner=owner,
        result_name=pou.name.name.partition(".")[0],
    )
    _variables(key, pou, info, Layout(info.name), work)
    owner.methods[name] = key
    work.names.routines[key] = info


def _variables(
    key: str, pou: tree.Pou, info: RoutineInfo, layout: Layout, work: Declarations
) -> None:
    """Give a routine's variables their places."""
    scope = work.scope_of(info)
    work.locals[key], work.temporaries[key] = [], []
    if pou.result is not None:
        _function_result(pou, info, scope, work)
    for block in _inputs_first(pou):
        _routine_block(block, info, layout, work)
    if info.has_calls:
        _check_frame(info, work)
    elif pou.kind != "INTERFACE":
        whole = layout.finish(info.span, work.names.findings) or TypeInfo(UNKNOWN, b"")
        assert isinstance(whole.type, Structure)
        info.structure, info.initial = whole.type, whole.initial
    if info.result is not None:
        info.result_local = len(work.locals[key])


def _check_frame(info: RoutineInfo, work: Declarations) -> None:
    size = sum(len(item.initial) for item in work.locals[info.name.upper()])
    if size > FRAME_BYTES_MAX:
        what = f"a call of {info.name}"
        report_size(what, size, FRAME_BYTES_MAX, info.span, work.names.findings)


def _routine_block(
    block: tree.VarBlock, info: RoutineInfo, layout: Layout, work: Declarations
) -> None:
    if block.section == "VAR_INST" and info.owner is not None and info.owner.structure is not None:
        _own_by_name(block, info, info.owner)
        return
    if block.section in _SECTION_PLACES:
        text = f"{block.section} has no meaning in a {info.kind}"
        hint = _SECTION_PLACES[block.section]
        work.names.findings.error("ST9001", block.span, text, hint)
        for variable in block.variables:  # known, so that its uses are not reported as well
            info.variables.setdefault(variable.name.upper(), _unknown(variable, block))
        return
    for variable in block.variables:
        _routine_variable(variable, block, info, layout, work)


def _own_by_name(block: tree.VarBlock, method: RoutineInfo, owner: RoutineInfo) -> None:
    """Let a method see its VAR_INST, which stand in the instance, by their names."""
    name = method.name.rpartition(f"{owner.name}.")[2]
    for variable in block.variables:
        kept = owner.variables.get(instance_name(owner.name, name, variable.name).upper())
        if kept is not None:
            method.variables[variable.name.upper()] = replace(kept, name=variable.name)


def _inputs_first(pou: tree.Pou) -> list[tree.VarBlock]:
    """Return a function's sections with the parameters in front: they are numbered first."""
    blocks = (*pou.blocks, *hidden_blocks(pou))
    if pou.kind not in {"FUNCTION", "METHOD"}:
        return list(blocks)
    given = {"VAR_INPUT", "VAR_IN_OUT"}
    return sorted(blocks, key=lambda block: block.section not in given)


def _function_result(pou: tree.Pou, info: RoutineInfo, scope: Scope, work: Declarations) -> None:
    assert pou.result is not None
    resolved = resolve_type(pou.result, scope, work)
    if resolved is not None:
        info.result = resolved.type
        info.result_image = resolved.initial


def _routine_variable(
    variable: tree.Variable,
    block: tree.VarBlock,
    info: RoutineInfo,
    layout: Layout,
    work: Declarations,
) -> None:
    key, scope = variable.name.upper(), work.scope_of(info)
    if key in info.variables:
        work.names.findings.error("ST2003", variable.span, f"{variable.name} is already declared")
        return
    if key:
        check_name(variable.name, variable.span, work)
    if variable.edge:
        check_edge(variable, block, scope)
    if block.section == "VAR_EXTERNAL":
        _external(variable, info, work)
        return
    resolved = _typed_initial(variable, scope, work)
    if resolved is None:
        if key:  # known, so that its uses are not reported as well
            info.variables[key] = _unknown(variable, block)
        return
    _check_concrete(variable, resolved, work)
    place = _place(variable, block, resolved, info, layout, work)
    if key and place is None:
        info.variables[key] = _unknown(variable, block)
    elif key and place is not None:
        info.variables[key] = _info(variable, block, resolved, place)


def _check_concrete(variable: tree.Variable, resolved: TypeInfo, work: Declarations) -> None:
    """Report an instance of an ABSTRACT class (ST8001)."""
    data_type = resolved.type
    while isinstance(data_type, Array):
        data_type = data_type.element
    declared = work.names.routines.get(str(data_type).upper())
    if declared is not None and "ABSTRACT" in declared.modifiers:
        text = f"{declared.name} is ABSTRACT and has no instances"
        hint = "declare an instance of a class that extends it"
        work.names.findings.error("ST8001", variable.span, text, hint)


def _place(
    variable: tree.Variable,
    block: tree.VarBlock,
    resolved: TypeInfo,
    info: RoutineInfo,
    layout: Layout,
    work: Declarations,
) -> Place | None:
    """Return where a variable of a routine stands."""
    if isinstance(resolved.type, OpenArray) and block.section != "VAR_IN_OUT":
        text = f"{variable.name} is {resolved.type}, which only a VAR_IN_OUT can be"
        work.names.findings.error("ST2010", variable.type.span, text)
        return None
    if variable.address is not None and block.section in _WITHOUT_ADDRESS:
        text = f"{variable.name} cannot have an address: it is a {block.section}"
        work.names.findings.error("ST2008", variable.span, text)
        return None
    if block.section == "VAR_IN_OUT":
        return _in_out(variable, resolved, info, layout, work)
    if block.section == "VAR_STAT":
        return shared_place(f"{info.name}.{variable.name}".upper(), resolved, work)
    if variable.address is not None and not variable.address.text.endswith("*"):
        return located(variable, resolved, info, work)
    if info.has_calls:
        return _function_local(variable, block, resolved, info, work)
    return _member(variable, block, resolved, info, layout, work)


def _in_out(
    variable: tree.Variable,
    resolved: TypeInfo,
    info: RoutineInfo,
    layout: Layout,
    work: Declarations,
) -> Place:
    """Return what a VAR_IN_OUT refers to; it takes room for a reference, and for bounds."""
    style = reference(resolved.type, "VAR_IN_OUT")

    def room(name: str, data_type: Elementary, *, by_reference: bool = False) -> Place:
        if info.has_calls:
            local = LocalVariable(name, data_type, bytes(8), "VAR_IN_OUT", by_reference)
            return _add_local(local, info, work)
        offset = layout.add(name, data_type, bytes(8), hidden=True)
        return Place(Base.SELF, offset, data_type, owner=f"{info.name}.{name}")

    pointer = room(variable.name, style, by_reference=True)
    place = referred(pointer, resolved.type)
    if not isinstance(resolved.type, OpenArray):
        return place
    ends = [
        (
            Load(LINT, room(f"{variable.name}.LOWER{n}", LINT)),
            Load(LINT, room(f"{variable.name}.UPPER{n}", LINT)),
        )
        for n in range(resolved.type.dimensions)
    ]
    return replace(place, bounds=tuple(ends))


def _add_local(local: LocalVariable, info: RoutineInfo, work: Declarations) -> Place:
    declared = work.locals[info.name.upper()]
    declared.append(local)
    owner = f"{info.name}.{local.name}"
    return Place(Base.LOCAL, 0, local.type, local=len(declared) - 1, owner=owner)


def shared_place(key: str, resolved: TypeInfo, work: Declarations) -> Place:
    """Give a variable that all share its place in the state: globals and VAR_STAT."""
    offset = align(work.state_end, max(resolved.type.alignment, 8))
    work.state_end = offset + resolved.type.size
    place = Place(Base.STATE, offset, resolved.type, owner=key)
    if work.state_end <= STATE_BYTES_MAX:  # else the whole is refused: the bytes are not kept
        work.pokes.append((place, resolved.initial))
    return place


def _member(
    variable: tree.Variable,
    block: tree.VarBlock,
    resolved: TypeInfo,
    info: RoutineInfo,
    layout: Layout,
    work: Declarations,
) -> Place:
    """Place a variable of a program or block in its instances; a temporary has no name outside."""
    temporary = block.section == "VAR_TEMP"
    hidden = temporary or block.section == HIDDEN_SECTION
    offset = layout.add(variable.name, resolved.type, resolved.initial, hidden=hidden)
    owner = f"{info.name}.{variable.name.upper()}"
    place = Place(Base.SELF, offset, resolved.type, owner=owner)
    if resolved.refers >= 0:
        info.relocations.append((offset, resolved.refers))
    if isinstance(resolved.type, Structure):
        inner = work.names.routines.get(resolved.type.name.upper())
        moved = inner.relocations if inner is not None else []
        info.relocations += [(offset + at, offset + target) for at, target in moved]
    if temporary:
        work.temporaries[info.name.upper()].append((place, resolved.initial))
    return place


def _function_local(
    variable: tree.Variable,
    block: tree.VarBlock,
    resolved: TypeInfo,
    info: RoutineInfo,
    work: Declarations,
) -> Place:
    block_type = block_within(resolved.type, work.names)
    if block_type is not None:
        text = f"a function keeps no state, so it cannot hold an instance of {block_type}"
        work.names.findings.error("ST2016", variable.span, text)
    local = LocalVariable(variable.name, resolved.type, resolved.initial, block.section)
    return _add_local(local, info, work)


def _unknown(variable: tree.Variable, block: tree.VarBlock) -> VariableInfo:
    place = Place(Base.SELF, 0, UNKNOWN)
    return VariableInfo(variable.name, block.section, place.type, place, variable.span)


def _info(
    variable: tree.Variable, block: tree.VarBlock, resolved: TypeInfo, place: Place
) -> VariableInfo:
    value: Constant | TextConstant | None = None
    if isinstance(resolved.type, Text):
        content = read_text(resolved.initial, 0, resolved.type)
        value = text_constant(content, resolved.type.name)
    elif isinstance(resolved.type, Elementary):
        plain = resolved.type.plain
        value = Constant(plain, load(resolved.initial, 0, plain))
    return VariableInfo(
        variable.name,
        block.section,
        resolved.type,
        place,
        variable.span,
        constant="CONSTANT" in block.qualifiers,
        value=value,
        access=next((word for word in block.qualifiers if word in _ACCESS), ""),
        edge=variable.edge,
        retention=retention_of(block.qualifiers),
    )


def _typed_initial(variable: tree.Variable, scope: Scope, work: Declarations) -> TypeInfo | None:
    """Return a variable's type with the bytes of its own initial value."""
    resolved = resolve_type(variable.type, scope, work)
    if resolved is None or variable.initial is None:
        return resolved
    if isinstance(resolved.type, Reference) and isinstance(variable.initial, tree.Call):
        return _bound_at_first(variable.initial, resolved.type, scope)
    image = initial_bytes(variable.initial, resolved.type, resolved.initial, scope)
    return TypeInfo(resolved.type, image or resolved.initial)


def _bound_at_first(node: tree.Call, data_type: Reference, scope: Scope) -> TypeInfo | None:
    """Return the initial value `REF(variable)` of a reference."""
    value = check_as(node, data_type, scope)
    if not isinstance(value, AddressOf) or value.place.steps:
        if value is not None:
            text = "expected REF(…) of a variable that stands at a fixed place"
            scope.names.findings.error("ST2009", node.span, text)
        return None
    place = value.place
    if place.base is Base.STATE:
        return TypeInfo(data_type, scalar_bytes(Constant(data_type, place.offset)))
    return TypeInfo(data_type, bytes(8), place.offset)


def _external(variable: tree.Variable, info: RoutineInfo, work: Declarations) -> None:
    key = variable.name.upper()
    shared = _global(key, work)
    if shared is None:
        text = f"there is no global variable {variable.name}"
        work.names.findings.error("ST2001", variable.span, text)
        return
    resolved = resolve_type(variable.type, work.scope_of(info), work)
    if resolved is not None and resolved.type != shared.type:
        text = f"{variable.name} is {shared.type} in VAR_GLOBAL, {resolved.type} here"
        work.names.findings.error("ST3001", variable.span, text)
    info.variables[key] = shared


# -- globals and addresses ----------------------------------------------------------------------


def _global(key: str, work: Declarations) -> VariableInfo | None:
    known = work.names.globals.get(key)
    if known is not None or key not in work.global_trees:
        return known
    variable, block = work.global_trees[key]
    if not enter(f"VAR_GLOBAL {key}", variable.name, variable.span, work):
        return None
    check_name(variable.name, variable.span, work)
    resolved = _typed_initial(variable, work.scope_of(), work)
    work.open.discard(f"VAR_GLOBAL {key}")
    if resolved is None:
        return None
    if variable.address is not None:
        place = located(variable, resolved, None, work)
    else:
        place = shared_place(key, resolved, work)
    if place is None:
        return None
    info = _info(variable, block, resolved, place)
    work.names.globals[key] = info
    return info
