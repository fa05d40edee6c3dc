"""Initial values as bytes in memory (6.5.1.3): they reach every element, member and instance."""

from typing import Final

from runtime.datatypes.derived import Array, DataType, Structure
from runtime.datatypes.elementary import LINT, Elementary
from runtime.datatypes.texts import Text, text_image
from runtime.datatypes.values import store
from runtime.model.expressions import check_as
from runtime.model.program import Constant, TextConstant
from runtime.model.scope import Scope
from runtime.source import Span
from runtime.syntax import tree

_REPEAT_MAX: Final = 1 << 24


def initial_bytes(
    node: tree.Initial, data_type: DataType, image: bytes, scope: Scope
) -> bytes | None:
    """Return the bytes of an initial value, or None where it was reported as wrong.

    Args:
        node: The value as written.
        data_type: The variable's type.
        image: The bytes of the type's own initial value; parts not named keep them.
        scope: Where names in the value are looked up.
    """
    if isinstance(node, tree.ArrayInit):
        return _array(node, data_type, image, scope)
    if isinstance(node, tree.StructInit):
        return _structure(node, data_type, image, scope)
    if not isinstance(data_type, Elementary):
        _report(node.span, f"a single value cannot initialise {data_type}", scope)
        return None
    if isinstance(data_type, Text):
        return _text(node, data_type, scope)
    value = constant_of(node, data_type, scope)
    if value is None:
        return None
    buffer = bytearray(data_type.size)
    store(buffer, 0, data_type, value.value)
    return bytes(buffer)


def constant_of(node: tree.Expression, data_type: Elementary, scope: Scope) -> Constant | None:
    """Return the constant that an expression amounts to, or report that it is none (ST2009)."""
    value = check_as(node, data_type, scope)
    if value is None or isinstance(value, Constant):
        return value
    text = "expected a constant: literals, constants and operators on them"
    scope.names.findings.error("ST2009", node.span, text)
    return None


def _text(node: tree.Expression, data_type: Text, scope: Scope) -> bytes | None:
    value = check_as(node, data_type, scope)
    if value is None:
        return None
    if isinstance(value, TextConstant):
        return text_image(data_type, value.value)
    text = "expected a constant string: a literal or the name of a constant"
    scope.names.findings.error("ST2009", node.span, text)
    return None


def _report(span: Span, text: str, scope: Scope) -> None:
    scope.names.findings.error("ST2015", span, text)


def _array(node: tree.ArrayInit, data_type: DataType, image: bytes, scope: Scope) -> bytes | None:
    if not isinstance(data_type, Array):
        _report(node.span, f"a list of values cannot initialise {data_type}", scope)
        return None
    size = data_type.element.size
    buffer = bytearray(image)
    at = 0
    for count_node, item in node.items:
        count = _count(count_node, scope)
        if count is None:
            return None
        if at + count > data_type.count:
            _report(node.span, f"more values than the {data_type.count} elements", scope)
            return None
        if count:
            element = initial_bytes(item, data_type.element, bytes(buffer[:size]), scope)
            if element is None:
                return None
            buffer[at * size : (at + count) * size] = element * count
        at += count
    return bytes(buffer)


def _count(node: tree.Expression | None, scope: Scope) -> int | None:
    if node is None:
        return 1
    value = constant_of(node, LINT, scope)
    if value is None:
        return None
    if not 0 <= value.value <= _REPEAT_MAX:
        _report(node.span, f"a repetition of {value.value}", scope)
        return None
    return int(value.value)


def _structure(
    node: tree.StructInit, data_type: DataType, image: bytes, scope: Scope
) -> bytes | None:
    if not isinstance(data_type, Structure):
        _report(node.span, f"named values cannot initialise {data_type}", scope)
        return None
    buffer = bytearray(image)
    for name, item in node.members:
        field = data_type.field(name.name.upper())
        if field is None:
            known = ", ".join(part.name for part in data_type.fields)
            text = f"{data_type} has no member {name.name}"
            scope.names.findings.error("ST2006", name.span, text, f"it has {known}")
            return None
        end = field.offset + field.type.size
        part = initial_bytes(item, field.type, bytes(buffer[field.offset : end]), scope)
        if part is None:
            return None
        buffer[field.offset : end] = part
    return bytes(buffer)
