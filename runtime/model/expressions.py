"""Expressions: from the tree to typed nodes. None stands for what was reported as wrong."""

from collections.abc import Callable
from typing import Final

from runtime.artifact.abi import FaultKind
from runtime.datatypes.derived import UNKNOWN
from runtime.datatypes.elementary import BOOL, LINT, LREAL, Elementary, Kind
from runtime.datatypes.literals import LiteralError, parse_literal
from runtime.datatypes.scalars import NULL, Enumeration, Reference
from runtime.model import calls, methods
from runtime.model.checks import Checks
from runtime.model.coerce import coerce, settle, shared_type, untyped
from runtime.model.constants import fold
from runtime.model.durations import operate_time
from runtime.model.places import (
    index_place,
    is_index_type,
    member_place,
    partial_place,
    place_of_address,
    read_address,
)
from runtime.model.program import (
    Constant,
    Convert,
    Expression,
    Invert,
    Load,
    Negate,
    Operate,
    Place,
    ShortCircuit,
    TextConstant,
)
from runtime.model.scope import Scope, referred
from runtime.model.texts import compare_texts, is_text, text_literal
from runtime.syntax import tree

_COMPARISONS: Final = frozenset({"=", "<>", "<", ">", "<=", ">="})
_LOGICAL: Final = frozenset({"AND", "OR", "XOR", "AND_THEN", "OR_ELSE"})


def check(node: tree.Expression, scope: Scope) -> Expression | None:
    """Return the typed form of an expression with a value of an elementary type."""
    checker: Callable[..., Expression | None] = _CHECKERS[type(node)]
    result = checker(node, scope)
    return fold(result) if result is not None else None


def check_as(node: tree.Expression, target: Elementary, scope: Scope) -> Expression | None:
    """Return an expression converted to a type."""
    value = check(node, scope)
    if value is None:
        return None
    converted = coerce(value, target, node.span, scope.names.findings)
    return fold(converted) if converted is not None else None


def check_value(node: tree.Expression, scope: Scope) -> Expression | None:
    """Return an expression with a type of its own: an untyped literal gets its natural one."""
    value = check(node, scope)
    return None if value is None else settle(value, node.span, scope.names.findings)


def check_condition(node: tree.Expression, scope: Scope, what: str) -> Expression | None:
    """Return an expression of type BOOL (ST3004 for another type)."""
    value = check(node, scope)
    if value is None or value.type is BOOL:
        return value
    hint = f"compare it, such as {_source_name(node)} <> 0"
    scope.names.findings.error(
        "ST3004", node.span, f"{what} is of type {value.type}, expected BOOL", hint
    )
    return None


def _source_name(node: tree.Expression) -> str:
    return node.name if isinstance(node, tree.Name) else "x"


def place_of(node: tree.Expression, scope: Scope) -> Place | None:
    """Return the place that an expression names, or report why it names none.

    The name of a REFERENCE TO stands for what it refers to.
    """
    place = pointer_of(node, scope)
    if place is None or not isinstance(place.type, Reference):
        return place
    return _target(place, node, scope) if place.type.style == "REFERENCE TO" else place


def pointer_of(node: tree.Expression, scope: Scope) -> Place | None:
    """Return the place that an expression names; a REFERENCE TO stands for itself."""
    namer: Callable[..., Place | None] | None = _NAMERS.get(type(node))
    if namer is not None:
        return namer(node, scope)
    if not isinstance(node, tree.Wrong):
        text = "expected a variable here, not a value"
        scope.names.findings.error("ST3010", node.span, text)
    return None


def _target(pointer: Place, node: tree.Expression, scope: Scope) -> Place | None:
    """Return what a reference refers to; a null one is a fault at run time."""
    assert isinstance(pointer.type, Reference)
    target = scope.names.target_of(pointer.type)
    if target is None:
        return None  # an unknown type, reported where it is declared
    return referred(pointer, target, scope.names.site(FaultKind.NULL_REFERENCE, node.span))


def _place_of_deref(node: tree.Deref, scope: Scope) -> Place | None:
    pointer = pointer_of(node.object, scope)
    if isinstance(node.object, tree.This):
        return pointer  # THIS^ is how CODESYS spells it
    if pointer is None or isinstance(pointer.type, Reference):
        return None if pointer is None else _target(pointer, node, scope)
    text = f"{pointer.type} is no reference, so ^ cannot follow"
    scope.names.findings.error("ST3010", node.span, text)
    return None


def _place_of_partial(node: tree.Partial, scope: Scope) -> Place | None:
    place = place_of(node.object, scope)
    if place is None:
        return None
    return partial_place(place, node.width, node.number, node.span, scope)


def _place_of_name(node: tree.Name, scope: Scope) -> Place | None:
    variable = scope.find(node.name)
    if variable is not None:  # a use of what was declared wrongly is not reported again
        return None if variable.type is UNKNOWN else variable.place
    calls.report_unknown(node.name, node.span, scope)
    return None


def _place_of_member(node: tree.Member, scope: Scope) -> Place | None:
    place = place_of(node.object, scope)
    if place is None:
        return None
    inside = methods.is_this(node.object)
    return member_place(place, node.name, node.span, scope, inside=inside)


def _place_of_direct(node: tree.Direct, scope: Scope) -> Place | None:
    address = read_address(node.text, node.span, scope.names)
    return None if address is None else place_of_address(address, scope.names)


def _place_of_index(node: tree.Index, scope: Scope) -> Place | None:
    place = place_of(node.object, scope)
    indices = []
    for index in node.indices:
        value = check_value(index, scope)
        if value is None:
            return None
        if not is_index_type(value.type):
            text = f"an index of type {value.type}: expected an integer type up to LINT"
            scope.names.findings.error("ST3006", index.span, text)
            return None
        indices.append((value, index.span))
    return None if place is None else index_place(place, indices, node.span, scope)


def _variable(node: tree.Expression, scope: Scope) -> Expression | None:
    named = _named_constant(node, scope) or methods.read_property(node, scope, CHECKS)
    if named is not None:
        return named
    place = place_of(node, scope)
    if place is None:
        return None
    if not isinstance(place.type, Elementary):
        text = f"a variable of type {place.type} has no single value here"
        hint = "name one of its members or elements"
        scope.names.findings.error("ST3010", node.span, text, hint)
        return None
    return Load(place.type.plain, place)


def _named_constant(node: tree.Expression, scope: Scope) -> Constant | TextConstant | None:
    """Return a CONSTANT's value, or the value of an enumeration: GREEN, COLOUR.GREEN."""
    if isinstance(node, tree.Member) and isinstance(node.object, tree.Name):
        return _enum_member(node.object.name, node.name, scope)
    if not isinstance(node, tree.Name):
        return None
    variable = scope.find(node.name)
    if variable is not None:
        return variable.value if variable.constant else None
    candidates = scope.names.enum_values.get(node.name.upper(), [])
    if len(candidates) > 1:
        types = " and ".join(str(item.type) for item in candidates)
        hint = f"name the type too: {candidates[0].type}#{node.name}"
        text = f"{node.name} is a value of {types}"
        scope.names.findings.error("ST2019", node.span, text, hint)
    return candidates[0] if candidates else None


def _enum_member(type_name: str, name: str, scope: Scope) -> Constant | None:
    info = scope.names.types.get(type_name.upper())
    if info is None or not isinstance(info.type, Enumeration) or scope.find(type_name):
        return None
    value = info.type.value_of(name)
    return None if value is None else Constant(info.type, value)


def _null(_node: tree.Null, _scope: Scope) -> Expression | None:
    return Constant(NULL, 0)


def _literal(node: tree.Literal, scope: Scope) -> Expression | None:
    if node.kind == "string":
        return text_literal(node.text, node.span, scope.names.findings)
    if node.kind == "typed":
        type_name, _, name = node.text.partition("#")
        value = _enum_member(type_name, name, scope)
        if value is not None:
            return value
    try:
        literal = parse_literal(node.kind, node.text)
    except LiteralError as error:
        scope.names.findings.error("ST1201", node.span, str(error))
        return None
    if literal.type is None:
        return untyped(literal.value)
    return Constant(literal.type, literal.value)


def _unary(node: tree.Unary, scope: Scope) -> Expression | None:
    operand = check(node.operand, scope)
    if operand is None:
        return None
    data_type = operand.type
    if node.operator == "NOT":
        settled = settle(operand, node.span, scope.names.findings)
        fits = data_type.is_bits or data_type.is_integer
        result: Expression | None = Invert(data_type, settled) if settled and fits else None
    else:
        fits = data_type.is_number or data_type.kind is Kind.DURATION
        result = operand if node.operator == "+" else Negate(data_type, operand)
    if not fits:
        text = f"{node.operator} is not defined for {data_type}"
        scope.names.findings.error("ST3002", node.span, text)
        return None
    return result


def _binary(node: tree.Binary, scope: Scope) -> Expression | None:
    """Check a chain of operators without recursion on its left side: a + b + c + …."""
    chain: list[tree.Binary] = []
    first: tree.Expression = node
    while isinstance(first, tree.Binary):
        chain.append(first)
        first = first.left
    left = check(first, scope)
    for link in reversed(chain):
        right = check(link.right, scope)
        if left is not None and right is not None:
            left = operate(link, left, right, scope)
            left = fold(left) if left is not None else None
        else:
            left = None
    return left


def operate(
    node: tree.Binary, left: Expression, right: Expression, scope: Scope
) -> Expression | None:
    """Return an operator on two checked operands, converted to the type they share."""
    symbol = node.operator
    if is_text(left) or is_text(right):
        return _compare_texts(node, left, right, scope)
    if (left.type.is_time or right.type.is_time) and symbol not in _COMPARISONS:
        return _operate_time(node, left, right, scope)
    if symbol == "**":
        return _power(node, left, right, scope)
    shared = shared_type(left, right)
    if shared is None or not _defined(symbol, shared):
        _report_undefined(node, left, right, scope)
        return None
    exact = _is_untyped(left) and _is_untyped(right)
    if not exact:
        converted_left = coerce(left, shared, node.left.span, scope.names.findings)
        converted_right = coerce(right, shared, node.right.span, scope.names.findings)
        if converted_left is None or converted_right is None:
            return None
        left, right = fold(converted_left), fold(converted_right)
    return _joined(node, shared, left, right, scope)


def _joined(
    node: tree.Binary, shared: Elementary, left: Expression, right: Expression, scope: Scope
) -> Expression:
    symbol = node.operator
    if symbol in {"AND_THEN", "OR_ELSE"}:
        return ShortCircuit(BOOL, symbol, left, right)
    result = BOOL if symbol in _COMPARISONS else shared
    return Operate(result, symbol, shared, left, right, _division_site(node, shared, right, scope))


def _operate_time(
    node: tree.Binary, left: Expression, right: Expression, scope: Scope
) -> Expression | None:
    site = _division_site(node, LINT, right, scope)
    result = operate_time(node.operator, left, right, site)
    if result is None:
        _report_undefined(node, left, right, scope)
    return result


def _compare_texts(
    node: tree.Binary, left: Expression, right: Expression, scope: Scope
) -> Expression | None:
    """Return a comparison of strings; a character compares with a literal of one character."""
    if Kind.CHARACTER in {left.type.kind, right.type.kind}:
        character = left.type if left.type.kind is Kind.CHARACTER else right.type
        left_character = coerce(left, character, node.left.span, scope.names.findings)
        right_character = coerce(right, character, node.right.span, scope.names.findings)
        if left_character is None or right_character is None:
            return None
        return operate(node, left_character, right_character, scope)
    compared = compare_texts(node.operator, left, right)
    if compared is None:
        _report_undefined(node, left, right, scope)
    return compared


def _is_untyped(expression: Expression) -> bool:
    return isinstance(expression, Constant) and expression.untyped


def _division_site(node: tree.Binary, shared: Elementary, right: Expression, scope: Scope) -> int:
    if node.operator not in {"/", "MOD"} or shared.kind is Kind.REAL:
        return -1
    if isinstance(right, Constant) and right.value == 0:
        scope.names.findings.error("ST3011", node.right.span, "division by the constant 0")
    if isinstance(right, Constant):
        return -1
    return scope.names.site(FaultKind.ZERO_DIVISION, node.span)


def _defined(symbol: str, data_type: Elementary) -> bool:
    if symbol in {"AND_THEN", "OR_ELSE"}:
        return data_type is BOOL
    if symbol in _LOGICAL:
        return data_type.is_bits or data_type.is_integer
    if symbol in _COMPARISONS:
        return data_type.kind is not Kind.REFERENCE or symbol in {"=", "<>"}
    if symbol == "MOD":
        return data_type.is_integer
    return data_type.is_number


def _report_undefined(node: tree.Binary, left: Expression, right: Expression, scope: Scope) -> None:
    text = f"{node.operator} is not defined for {left.type} and {right.type}"
    hint = ""
    if node.operator == "+" and (is_text(left) or is_text(right)):
        hint = "strings are joined by CONCAT(…), numbers made strings by INT_TO_STRING(…)"
    elif left.type is not right.type:
        hint = "convert one operand explicitly, such as DINT_TO_REAL(…)"
    scope.names.findings.error("ST3002", node.span, text, hint)


def _power(
    node: tree.Binary, left: Expression, right: Expression, scope: Scope
) -> Expression | None:
    """Return base ** exponent: in the base's real type, or LREAL for a whole base."""
    if not (left.type.is_number and right.type.is_number):
        _report_undefined(node, left, right, scope)
        return None
    real = left.type if left.type.kind is Kind.REAL and not _is_untyped(left) else LREAL
    base = _to_real(left, real, node.left, scope)
    exponent = _to_real(right, LREAL, node.right, scope)
    if base is None or exponent is None:
        return None
    return calls.standard_call("EXPT", real, (base, exponent))


def _to_real(
    operand: Expression, target: Elementary, node: tree.Expression, scope: Scope
) -> Expression | None:
    if _is_untyped(operand):
        return coerce(operand, target, node.span, scope.names.findings)
    return operand if operand.type is target else fold(Convert(target, operand))


def _wrong(_node: tree.Wrong, _scope: Scope) -> Expression | None:
    return None


def _given(node: tree.Given, _scope: Scope) -> Expression | None:
    assert node.value is None or isinstance(node.value, Expression)
    return node.value


def _call(node: tree.Call, scope: Scope) -> Expression | None:
    method = methods.find_method(node.callee, scope, CHECKS)
    if method is None:
        return calls.check_call(node, scope, CHECKS)
    call = methods.method_call(node, method, scope, CHECKS)
    result = scope.names.routines[method.info.methods[method.name]].result
    if call is not None and not isinstance(result, Elementary):
        text = f"{method.name} has no single value"
        scope.names.findings.error("ST3010", node.span, text)
        return None
    return call


def _place_of_this(node: tree.This, scope: Scope) -> Place | None:
    return methods.this_place(node, scope)


_CHECKERS: Final[dict[type, Callable[..., Expression | None]]] = {
    tree.Name: _variable,
    tree.Member: _variable,
    tree.Index: _variable,
    tree.Direct: _variable,
    tree.Partial: _variable,
    tree.Deref: _variable,
    tree.This: _variable,
    tree.Null: _null,
    tree.Literal: _literal,
    tree.Unary: _unary,
    tree.Binary: _binary,
    tree.Call: _call,
    tree.Wrong: _wrong,
    tree.Given: _given,
}
_NAMERS: Final[dict[type, Callable[..., Place | None]]] = {
    tree.Name: _place_of_name,
    tree.Member: _place_of_member,
    tree.Index: _place_of_index,
    tree.Direct: _place_of_direct,
    tree.Partial: _place_of_partial,
    tree.Deref: _place_of_deref,
    tree.This: _place_of_this,
}
CHECKS: Final = Checks(check, place_of, pointer_of, operate)
