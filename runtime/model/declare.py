"""Declarations: give every type a layout, every variable a place, every routine its interface.

Types, blocks and constants may be declared in any order and in any source, so each is worked out
when it is first needed; one that is needed while it is being worked out contains itself.
"""

from dataclasses import dataclass, field
from typing import Final

from runtime.artifact.abi import CONTEXT_BYTES
from runtime.datatypes.derived import UNKNOWN, Array, DataType, Field, Structure, align
from runtime.datatypes.elementary import LINT, Elementary
from runtime.datatypes.values import load, store
from runtime.limits import STATE_BYTES_MAX
from runtime.model.hidden import CONTROL_TYPE, HIDDEN_SECTION, hidden_blocks
from runtime.model.initial import constant_of, initial_bytes
from runtime.model.places import place_of_address, read_address
from runtime.model.program import Base, Constant, Place
from runtime.model.scope import Names, RoutineInfo, Scope, TypeInfo, VariableInfo, block_within
from runtime.model.sfc import action_routines
from runtime.project.units import Address
from runtime.source import Span
from runtime.stdlib.charts import ACTION_CONTROL
from runtime.stdlib.declare import BEYOND, StandardBlock
from runtime.stdlib.library import BLOCKS, FUNCTIONS
from runtime.syntax import tree

_UNSUPPORTED_SECTIONS: Final = frozenset(
    {"VAR_IN_OUT", "VAR_STAT", "VAR_INST", "VAR_CONFIG", "VAR_ACCESS"}
)
_NOTHING: Final = Span(0, 0, 0)


@dataclass(slots=True)
class Declarations:
    """Works out declarations on demand; `names` holds what is done."""

    names: Names
    routine_trees: dict[str, tree.Pou] = field(default_factory=dict)
    type_trees: dict[str, tree.TypeDeclaration] = field(default_factory=dict)
    global_trees: dict[str, tuple[tree.Variable, tree.VarBlock]] = field(default_factory=dict)
    state_end: int = CONTEXT_BYTES
    """Where the next global goes in the state."""
    pokes: list[tuple[Place, bytes]] = field(default_factory=list)
    """Initial values of globals and located variables."""
    locals: dict[str, list[tuple[VariableInfo, bytes]]] = field(default_factory=dict)
    """For each function its variables with their initial bytes, in the order of their numbers."""
    temporaries: dict[str, list[tuple[Place, bytes]]] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    reported: set[str] = field(default_factory=set)

    def scope_of(self, routine: RoutineInfo | None = None) -> Scope:
        """Return the scope of a routine, or of no routine."""
        return Scope(self.names, routine or RoutineInfo("", "", _NOTHING))


def declare_all(units: tuple[tree.Unit, ...], names: Names) -> Declarations:
    """Collect and work out all declarations of the units."""
    work = Declarations(names)
    for area in ("I", "Q", "M"):
        names.area_offsets[area] = work.state_end
        work.state_end = align(work.state_end + names.area_sizes[area], 8)
    for block in BLOCKS.values():
        names.routines[block.name] = _standard_block(block)
    control = _standard_block(ACTION_CONTROL)
    assert control.structure is not None
    names.types[CONTROL_TYPE.upper()] = TypeInfo(control.structure, control.initial)
    _collect(units, work)
    for key in work.global_trees:
        _global(key, work)
    for key, declaration in work.type_trees.items():
        named_type(key, declaration.name.span, work)
    for key, pou in work.routine_trees.items():
        _routine(key, pou.name.span, work)
    return work


def _collect(units: tuple[tree.Unit, ...], work: Declarations) -> None:
    findings = work.names.findings
    standard = [name for name, block in BLOCKS.items() if block.clause != BEYOND]
    taken: dict[str, str] = dict.fromkeys(standard, "a standard function block")
    taken |= dict.fromkeys(FUNCTIONS, "a standard function")
    for unit in units:
        _collect_globals(unit, work)
        both: tuple[tree.TypeDeclaration | tree.Pou, ...] = (*unit.types, *unit.pous)
        for declared in both:
            key = declared.name.name.upper()
            _check_name(declared.name.name, declared.name.span, work)
            if key in taken or key in work.names.types:
                text = f"{declared.name.name} is already {taken.get(key, 'an elementary type')}"
                findings.error("ST2003", declared.name.span, text)
                continue
            taken[key] = "declared"
            work.names.routines.pop(key, None)  # a block beyond the standard gives way
            if isinstance(declared, tree.Pou):
                work.routine_trees[key] = declared
            else:
                work.type_trees[key] = declared


def _collect_globals(unit: tree.Unit, work: Declarations) -> None:
    inside = (block for item in unit.configurations for block in item.blocks)
    for block in (*unit.globals, *inside):
        if block.section == "VAR_ACCESS":
            work.names.findings.error("ST9001", block.span, "VAR_ACCESS is not supported")
        if block.section != "VAR_GLOBAL":
            continue
        for variable in block.variables:
            key = variable.name.upper()
            if key in work.global_trees:
                text = f"{variable.name} is already declared"
                work.names.findings.error("ST2003", variable.span, text)
            elif key:
                work.global_trees[key] = (variable, block)


def _check_name(name: str, span: Span, work: Declarations) -> None:
    if "." in name:
        work.names.findings.error("ST1101", span, f"expected a name without '.', found {name!r}")
    if "__" in name or name.endswith("_"):
        text = f"{name} has two underscores in a row or one at its end"
        work.names.findings.error("ST2013", span, text)


# -- types --------------------------------------------------------------------------------------


def resolve_type(spec: tree.TypeSpec, scope: Scope, work: Declarations) -> TypeInfo | None:
    """Return a type and its initial bytes, or None where it was reported as wrong."""
    if isinstance(spec, tree.NamedType):
        return named_type(spec.name.upper(), spec.span, work, spec.name)
    if isinstance(spec, tree.ArrayType):
        return _array_type(spec, scope, work)
    return _structure_type(spec, "STRUCT", scope, work)


def named_type(key: str, span: Span, work: Declarations, spelt: str = "") -> TypeInfo | None:
    """Return the type of a name: elementary, declared by TYPE, or a function block's instances."""
    known = work.names.types.get(key)
    if known is not None:
        return known
    if key in work.routine_trees or key in work.names.routines:
        routine = _routine(key, span, work)
        if routine is None or routine.structure is None or routine.kind == "PROGRAM":
            if routine is not None:
                kind = routine.kind.lower()
                work.names.findings.error("ST2002", span, f"{routine.name} is a {kind}, not a type")
            return None
        return TypeInfo(routine.structure, routine.initial)
    declaration = work.type_trees.get(key)
    if declaration is None:
        work.names.findings.error("ST2002", span, f"there is no type {spelt or key}")
        return None
    if not _enter(key, declaration.name.name, span, work):
        return None
    scope = work.scope_of()
    if isinstance(declaration.type, tree.StructType):
        info = _structure_type(declaration.type, declaration.name.name, scope, work)
    else:
        info = resolve_type(declaration.type, scope, work)
    if info is not None and declaration.initial is not None:
        image = initial_bytes(declaration.initial, info.type, info.initial, scope)
        info = TypeInfo(info.type, image or info.initial)
    work.open.discard(key)
    if info is not None:
        work.names.types[key] = info
    return info


def _enter(key: str, name: str, span: Span, work: Declarations) -> bool:
    """Begin to work out a declaration; report one that contains itself (ST2004)."""
    if key in work.reported:
        return False
    if key in work.open:
        work.reported.add(key)
        work.names.findings.error("ST2004", span, f"{name} contains itself")
        return False
    work.open.add(key)
    return True


def _array_type(spec: tree.ArrayType, scope: Scope, work: Declarations) -> TypeInfo | None:
    element = resolve_type(spec.element, scope, work)
    bounds = []
    for lower_node, upper_node in spec.ranges:
        lower = constant_of(lower_node, LINT, scope)
        upper = constant_of(upper_node, LINT, scope)
        if lower is None or upper is None:
            return None
        if upper.value < lower.value:
            text = f"the bounds {lower.value}..{upper.value} hold no element"
            work.names.findings.error("ST2010", lower_node.span, text)
            return None
        bounds.append((int(lower.value), int(upper.value)))
    if element is None:
        return None
    array = Array(tuple(bounds), element.type)
    if array.size > STATE_BYTES_MAX:
        text = f"{array} takes {array.size} bytes, at most {STATE_BYTES_MAX} are possible"
        work.names.findings.error("ST2014", spec.span, text)
        return None
    return TypeInfo(array, element.initial * array.count)


def _structure_type(
    spec: tree.StructType, name: str, scope: Scope, work: Declarations
) -> TypeInfo | None:
    layout = _Layout(name)
    for member in spec.members:
        info = resolve_type(member.type, scope, work)
        if info is None:
            continue
        image: bytes | None = info.initial
        if member.initial is not None:
            image = initial_bytes(member.initial, info.type, info.initial, scope)
        if member.name.upper() in layout.names():
            text = f"{member.name} is already a member of {name}"
            work.names.findings.error("ST2003", member.span, text)
            continue
        layout.add(member.name, info.type, image or info.initial)
    return TypeInfo(layout.structure(), layout.image())


@dataclass(slots=True)
class _Layout:
    """Lays members out one after another, as C does; hidden ones take room but have no name."""

    name: str
    fields: list[Field] = field(default_factory=list)
    parts: list[tuple[int, bytes]] = field(default_factory=list)
    end: int = 0
    alignment: int = 1

    def names(self) -> set[str]:
        return {item.name for item in self.fields}

    def add(self, name: str, data_type: DataType, image: bytes, *, hidden: bool = False) -> int:
        offset = align(self.end, data_type.alignment)
        self.end = offset + data_type.size
        self.alignment = max(self.alignment, data_type.alignment)
        if not hidden:
            self.fields.append(Field(name.upper(), offset, data_type))
        self.parts.append((offset, image))
        return offset

    def structure(self) -> Structure:
        size = align(self.end, self.alignment)
        return Structure(self.name, tuple(self.fields), size, self.alignment)

    def image(self) -> bytes:
        buffer = bytearray(align(self.end, self.alignment))
        for offset, part in self.parts:
            buffer[offset : offset + len(part)] = part
        return bytes(buffer)


# -- routines -----------------------------------------------------------------------------------


def _standard_block(block: StandardBlock) -> RoutineInfo:
    info = RoutineInfo(block.name, "FUNCTION_BLOCK", _NOTHING, standard=block)
    layout = _Layout(block.name)
    sections = (("VAR_INPUT", block.inputs), ("VAR_OUTPUT", block.outputs), ("VAR", block.state))
    for section, members in sections:
        for name, (data_type, value) in members.items():
            constant = Constant(data_type, value)
            image = scalar_bytes(constant)
            offset = layout.add(name, data_type, image)
            place = Place(Base.SELF, offset, data_type, owner=f"{block.name}.{name}")
            info.variables[name] = VariableInfo(
                name, section, data_type, place, _NOTHING, value=constant
            )
    info.structure, info.initial = layout.structure(), layout.image()
    return info


def scalar_bytes(constant: Constant) -> bytes:
    """Return a constant as it stands in memory."""
    buffer = bytearray(constant.type.size)
    store(buffer, 0, constant.type, constant.value)
    return bytes(buffer)


def _routine(key: str, span: Span, work: Declarations) -> RoutineInfo | None:
    known = work.names.routines.get(key)
    if known is not None:
        return known
    pou = work.routine_trees[key]
    if not _enter(key, pou.name.name, span, work):
        return None
    info = RoutineInfo(pou.name.name, pou.kind, pou.name.span, source=pou)
    scope = work.scope_of(info)
    layout = _Layout(pou.name.name)
    work.locals[key], work.temporaries[key] = [], []
    if pou.result is not None:
        _function_result(pou, info, scope, work)
    for block in _inputs_first(pou):
        if block.section in _UNSUPPORTED_SECTIONS:
            text = f"{block.section} is not supported"
            work.names.findings.error("ST9001", block.span, text)
            for variable in block.variables:
                info.variables.setdefault(variable.name.upper(), _unknown(variable, block))
            continue
        for variable in block.variables:
            _routine_variable(variable, block, info, layout, work)
    if pou.kind != "FUNCTION":
        info.structure, info.initial = layout.structure(), layout.image()
    work.open.discard(key)
    work.names.routines[key] = info
    for action, routine in action_routines(pou, info).items():
        work.names.routines[action] = routine
        work.locals[action], work.temporaries[action] = [], []
    return info


def _inputs_first(pou: tree.Pou) -> list[tree.VarBlock]:
    """Return a function's sections with the inputs in front: they are numbered first."""
    blocks = (*pou.blocks, *hidden_blocks(pou))
    if pou.kind != "FUNCTION":
        return list(blocks)
    return sorted(blocks, key=lambda block: block.section != "VAR_INPUT")


def _function_result(pou: tree.Pou, info: RoutineInfo, scope: Scope, work: Declarations) -> None:
    assert pou.result is not None
    resolved = resolve_type(pou.result, scope, work)
    if resolved is None:
        return
    if not isinstance(resolved.type, Elementary):
        text = f"a function with a result of type {resolved.type} is not supported"
        work.names.findings.error("ST9001", pou.result.span, text)
        return
    info.result = resolved.type


def _routine_variable(
    variable: tree.Variable,
    block: tree.VarBlock,
    info: RoutineInfo,
    layout: _Layout,
    work: Declarations,
) -> None:
    key, scope = variable.name.upper(), work.scope_of(info)
    if key in info.variables:
        work.names.findings.error("ST2003", variable.span, f"{variable.name} is already declared")
        return
    if key:
        _check_name(variable.name, variable.span, work)
    if block.section == "VAR_EXTERNAL":
        _external(variable, info, work)
        return
    resolved = _typed_initial(variable, scope, work)
    if resolved is None:
        if key:  # known, so that its uses are not reported as well
            info.variables[key] = _unknown(variable, block)
        return
    if variable.address is not None and not variable.address.text.endswith("*"):
        place = _located(variable, resolved, info, work)
    elif info.kind == "FUNCTION":
        place = _function_local(variable, block, resolved, info, work)
    else:
        place = _member(variable, block, resolved, info, layout, work)
    if place is None or not key:
        return
    info.variables[key] = _info(variable, block, resolved, place)
    if place.base is Base.LOCAL:
        work.locals[info.name.upper()].append((info.variables[key], resolved.initial))


def _member(
    variable: tree.Variable,
    block: tree.VarBlock,
    resolved: TypeInfo,
    info: RoutineInfo,
    layout: _Layout,
    work: Declarations,
) -> Place:
    """Place a variable of a program or block in its instances; a temporary has no name outside."""
    temporary = block.section == "VAR_TEMP"
    hidden = temporary or block.section == HIDDEN_SECTION
    offset = layout.add(variable.name, resolved.type, resolved.initial, hidden=hidden)
    owner = f"{info.name}.{variable.name.upper()}"
    place = Place(Base.SELF, offset, resolved.type, owner=owner)
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
    number = len(work.locals[info.name.upper()])
    block_type = block_within(resolved.type, work.names)
    if block_type is not None:
        text = f"a function keeps no state, so it cannot hold an instance of {block_type}"
        work.names.findings.error("ST2016", variable.span, text)
    elif block.section.endswith("PUT") and not isinstance(resolved.type, Elementary):
        text = f"a function's {block.section} of type {resolved.type} is not supported"
        work.names.findings.error("ST9001", variable.span, text)
    return Place(Base.LOCAL, 0, resolved.type, local=number, owner=f"{info.name}.{variable.name}")


def _unknown(variable: tree.Variable, block: tree.VarBlock) -> VariableInfo:
    place = Place(Base.SELF, 0, UNKNOWN)
    return VariableInfo(variable.name, block.section, place.type, place, variable.span)


def _info(
    variable: tree.Variable, block: tree.VarBlock, resolved: TypeInfo, place: Place
) -> VariableInfo:
    value = None
    if isinstance(resolved.type, Elementary):
        value = Constant(resolved.type, load(resolved.initial, 0, resolved.type))
    return VariableInfo(
        variable.name,
        block.section,
        resolved.type,
        place,
        variable.span,
        constant="CONSTANT" in block.qualifiers,
        value=value,
    )


def _typed_initial(variable: tree.Variable, scope: Scope, work: Declarations) -> TypeInfo | None:
    """Return a variable's type with the bytes of its own initial value."""
    resolved = resolve_type(variable.type, scope, work)
    if resolved is None or variable.initial is None:
        return resolved
    image = initial_bytes(variable.initial, resolved.type, resolved.initial, scope)
    return TypeInfo(resolved.type, image or resolved.initial)


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
    if not _enter(f"VAR_GLOBAL {key}", variable.name, variable.span, work):
        return None
    _check_name(variable.name, variable.span, work)
    resolved = _typed_initial(variable, work.scope_of(), work)
    work.open.discard(f"VAR_GLOBAL {key}")
    if resolved is None:
        return None
    if variable.address is not None:
        place = _located(variable, resolved, None, work)
    else:
        offset = align(work.state_end, max(resolved.type.alignment, 8))
        work.state_end = offset + resolved.type.size
        place = Place(Base.STATE, offset, resolved.type, owner=key)
        work.pokes.append((place, resolved.initial))
    if place is None:
        return None
    info = _info(variable, block, resolved, place)
    work.names.globals[key] = info
    return info


def _located(
    variable: tree.Variable, resolved: TypeInfo, info: RoutineInfo | None, work: Declarations
) -> Place | None:
    assert variable.address is not None
    if info is not None and info.kind == "FUNCTION":
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
