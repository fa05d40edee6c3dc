"""Types: from how they are spelt to their layout and the bytes of their initial value."""

from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches

from runtime.datatypes.derived import UNKNOWN, Array, DataType, OpenArray, Structure, lay_over
from runtime.datatypes.elementary import INT, LINT, Elementary
from runtime.datatypes.scalars import enumeration, reference, subrange
from runtime.datatypes.values import store
from runtime.limits import STATE_BYTES_MAX
from runtime.model.addresses import Overlaps, relative_offset
from runtime.model.initial import constant_of, initial_bytes
from runtime.model.program import Base, Constant, Place
from runtime.model.scope import Scope, TypeInfo, VariableInfo
from runtime.model.text_types import declared_text
from runtime.model.work import Declarations, Layout, enter, report_size
from runtime.source import Span
from runtime.syntax import tree


def resolve_type(spec: tree.TypeSpec, scope: Scope, work: Declarations) -> TypeInfo | None:
    """Return a type and its initial bytes, or None where it was reported as wrong."""
    match spec:
        case tree.NamedType(length=length) if length is not None:
            return declared_text(spec, length, scope)
        case tree.NamedType():
            return named_type(spec.name.upper(), spec.span, work, spec.name)
        case tree.ArrayType():
            return _array_type(spec, scope, work)
        case tree.SubrangeType():
            return _subrange_type(spec, scope, work)
        case tree.EnumType():
            return _enum_type(spec, "", scope, work)
        case tree.ReferenceType():
            return _reference_type(spec, scope, work)
    return _structure_type(spec, spec_name(spec), scope, work)


def spec_name(spec: tree.StructType) -> str:
    """Return what a structure without a name of its own is called."""
    return "UNION" if spec.is_union else "STRUCT"


def named_type(key: str, span: Span, work: Declarations, spelt: str = "") -> TypeInfo | None:
    """Return the type of a name: elementary, declared by TYPE, or a function block's instances."""
    known = work.names.types.get(key)
    if known is not None:
        return known
    if key in work.routine_trees or key in work.names.routines:
        return _instance_type(key, span, work)
    declaration = work.type_trees.get(key)
    if declaration is None:
        _report_type(spelt or key, span, work)
        return None
    if not enter(key, declaration.name.name, span, work):
        return None
    info = _declared_type(declaration, work)
    work.open.discard(key)
    if info is not None:
        work.names.types[key] = info
    return info


def _instance_type(key: str, span: Span, work: Declarations) -> TypeInfo | None:
    """Return the type of the instances of a function block."""
    assert work.declare_routine is not None
    routine = work.declare_routine(key, span, work)
    if routine is None:
        return None
    if routine.structure is None or routine.kind == "PROGRAM":
        kind = routine.kind.lower()
        work.names.findings.error("ST2002", span, f"{routine.name} is a {kind}, not a type")
        return None
    return TypeInfo(routine.structure, routine.initial)


def _declared_type(declaration: tree.TypeDeclaration, work: Declarations) -> TypeInfo | None:
    scope, name = work.scope_of(), declaration.name.name
    info: TypeInfo | None
    if isinstance(declaration.type, tree.StructType):
        info = _structure_type(declaration.type, name, scope, work)
    elif isinstance(declaration.type, tree.EnumType):
        info = _enum_type(declaration.type, name, scope, work)
    else:
        info = resolve_type(declaration.type, scope, work)
    if info is None or declaration.initial is None:
        return info
    image = initial_bytes(declaration.initial, info.type, info.initial, scope)
    return TypeInfo(info.type, image or info.initial)


def _array_type(spec: tree.ArrayType, scope: Scope, work: Declarations) -> TypeInfo | None:
    element = resolve_type(spec.element, scope, work)
    if any(item is None for item in spec.ranges):
        return None if element is None else TypeInfo(OpenArray(len(spec.ranges), element.type), b"")
    bounds = [_bounds(*item, scope) for item in spec.ranges if item is not None]
    known = [item for item in bounds if item is not None]
    if element is None or len(known) != len(bounds):
        return None
    array = Array(tuple(known), element.type)
    if array.size > STATE_BYTES_MAX:
        report_size(str(array), array.size, STATE_BYTES_MAX, spec.span, work.names.findings)
        return None
    return TypeInfo(array, element.initial * array.count)


def _bounds(
    lower_node: tree.Expression, upper_node: tree.Expression, scope: Scope
) -> tuple[int, int] | None:
    lower = constant_of(lower_node, LINT, scope)
    upper = constant_of(upper_node, LINT, scope)
    if lower is None or upper is None:
        return None
    if upper.value < lower.value:
        text = f"the bounds {lower.value}..{upper.value} hold no value"
        scope.names.findings.error("ST2010", lower_node.span, text)
        return None
    return int(lower.value), int(upper.value)


def _subrange_type(spec: tree.SubrangeType, scope: Scope, work: Declarations) -> TypeInfo | None:
    base = resolve_type(spec.base, scope, work)
    bounds = _bounds(spec.lower, spec.upper, scope)
    if base is None or bounds is None:
        return None
    if not isinstance(base.type, Elementary) or not base.type.is_integer:
        text = f"{base.type} has no subranges; expected an integer type"
        work.names.findings.error("ST2010", spec.span, text)
        return None
    lower, upper = bounds
    if lower < base.type.minimum or upper > base.type.maximum:
        text = f"{lower}..{upper} does not fit {base.type}"
        work.names.findings.error("ST3003", spec.lower.span, text)
        return None
    bounded = subrange(base.type, lower, upper)
    first = min(max(0, lower), upper) if lower > 0 else (min(0, upper))
    return TypeInfo(bounded, scalar_bytes(Constant(base.type, first)))


def _enum_type(spec: tree.EnumType, name: str, scope: Scope, work: Declarations) -> TypeInfo | None:
    base: DataType = INT
    if spec.base is not None:
        resolved = resolve_type(spec.base, scope, work)
        if resolved is None:
            return None
        base = resolved.type
    if not isinstance(base, Elementary) or not (base.is_integer or base.is_bits):
        text = f"{base} cannot hold an enumeration; expected an integer type"
        work.names.findings.error("ST2010", spec.span, text)
        return None
    values: list[tuple[str, int]] = []
    following = 0
    inner = replace(scope, routine=replace(scope.routine, variables=dict(scope.routine.variables)))
    for item, expression in spec.values:
        if expression is not None:
            constant = constant_of(expression, base, inner)
            following = int(constant.value) if constant is not None else following
        inner.routine.variables[item.name.upper()] = _known_value(item, following, base)
        if any(item.name.upper() == known for known, _ in values):
            text = f"{item.name} is already a value of {name or 'the enumeration'}"
            work.names.findings.error("ST2003", item.span, text)
        values.append((item.name.upper(), following))
        following += 1
    spelt = name or f"({', '.join(key for key, _ in values)})"
    data_type = enumeration(spelt, base, tuple(values))
    for key, value in values:
        known = work.names.enum_values.setdefault(key, [])
        if Constant(data_type, value) not in known:
            known.append(Constant(data_type, value))
    return TypeInfo(data_type, scalar_bytes(Constant(data_type, values[0][1])))


def _known_value(item: tree.Name, value: int, base: Elementary) -> VariableInfo:
    """Return a value as the later ones of its enumeration see it: `BOTH := LEFT OR RIGHT`."""
    constant = Constant(base, value)
    place = Place(Base.SELF, 0, base)
    return VariableInfo(item.name, "VAR", base, place, item.span, constant=True, value=constant)


def _reference_type(spec: tree.ReferenceType, scope: Scope, work: Declarations) -> TypeInfo | None:
    """Return a reference's type; a named target may still be under way, even contain it."""
    if isinstance(spec.target, tree.NamedType) and spec.target.length is None:
        alias = _alias(spec.target, work)
        if alias is not None:
            return TypeInfo(reference(alias, spec.style), bytes(8))
        work.pending.append((spec.target.name, spec.target.span))
        return TypeInfo(reference(spec.target.name.upper(), spec.style), bytes(8))
    target = resolve_type(spec.target, scope, work)
    return None if target is None else TypeInfo(reference(target.type, spec.style), bytes(8))


def _alias(spec: tree.NamedType, work: Declarations) -> DataType | None:
    """Return the type that a name is another word for, None where it has a name of its own.

    A type that contains the reference is under way, and stays a name.
    """
    key = spec.name.upper()
    known = work.names.types.get(key)
    declared = work.type_trees.get(key)
    if known is None and declared is not None and key not in work.open:
        own_name = isinstance(declared.type, tree.StructType | tree.EnumType)
        known = None if own_name else named_type(key, spec.span, work)
    return None if known is None else known.type


def _report_type(spelt: str, span: Span, work: Declarations) -> None:
    """Report a type that is not there, perhaps misspelt (ST2002)."""
    key, names = spelt.upper(), work.names
    own = [*work.type_trees, *work.routine_trees]
    close = next(
        (near for known in (own, names.types, names.routines) if (near := _near(key, known))), ()
    )
    hint = f"did you mean {close[0]}?" if close else ""
    names.findings.error("ST2002", span, f"there is no type {spelt}", hint)


def _near(key: str, known: Iterable[str]) -> list[str]:
    return get_close_matches(key, list(known), n=1)


def _inherit(base: tree.NamedType, layout: Layout, scope: Scope, work: Declarations) -> None:
    """Put the members of another structure in front (TYPE name EXTENDS base)."""
    whole = resolve_type(base, scope, work)
    if whole is None:
        return
    if not isinstance(whole.type, Structure) or whole.type.is_union:
        text = f"{base.name} is {whole.type}, no structure that another one can extend"
        work.names.findings.error("ST3001", base.span, text)
        return
    for item in whole.type.fields:
        layout.add(item.name, item.type, whole.initial[item.offset : item.offset + item.type.size])


def _structure_type(
    spec: tree.StructType, name: str, scope: Scope, work: Declarations
) -> TypeInfo | None:
    layout = Layout(name)
    images: list[bytes] = []
    overlaps = Overlaps(name, spec.overlaps, spec.is_union)
    if spec.base is not None:
        _inherit(spec.base, layout, scope, work)
    for member in spec.members:
        info = resolve_type(member.type, scope, work)
        if info is None:  # known, so that its uses are not reported as well
            layout.add(member.name, UNKNOWN, b"")
            continue
        image: bytes | None = info.initial
        if member.initial is not None:
            image = initial_bytes(member.initial, info.type, info.initial, scope)
        if member.name.upper() in layout.names():
            text = f"{member.name} is already a member of {name}"
            work.names.findings.error("ST2003", member.span, text)
            continue
        at = relative_offset(member, info.type, overlaps, work)
        offset = layout.add(member.name, info.type, image or info.initial, at=at)
        overlaps.taken.append((offset, offset + info.type.size, member.name))
        images.append(image or info.initial)
    whole = layout.finish(spec.span, work.names.findings)
    structure = layout.structure()
    if whole is not None and spec.overlaps:
        return TypeInfo(replace(structure, is_union=True), whole.initial)
    if whole is None or not spec.is_union:
        return whole
    union = lay_over(name, [(item.name, item.type) for item in structure.fields])
    first = images[0] if images else b""
    return TypeInfo(union, first + bytes(union.size - len(first)))


def scalar_bytes(constant: Constant) -> bytes:
    """Return a constant as it stands in memory."""
    buffer = bytearray(constant.type.size)
    store(buffer, 0, constant.type, constant.value)
    return bytes(buffer)
