"""Strings in the model: literals, functions, comparisons, conversions.

Strings of one width are assigned to each other whatever their capacity; what does not fit is cut.
STRING and WSTRING meet in a conversion by name only.
"""

from typing import Final

from runtime.datatypes.elementary import (
    BOOL,
    CHAR,
    LINT,
    LREAL,
    LTIME,
    REAL,
    WCHAR,
    Elementary,
    Kind,
)
from runtime.datatypes.literals import LiteralError
from runtime.datatypes.texts import Text, TextLiteral, parse_text, text_type, units_of
from runtime.diagnostics.diagnostic import Findings
from runtime.model.program import (
    CallText,
    Constant,
    Convert,
    Expression,
    Operate,
    TextConstant,
)
from runtime.source import Span
from runtime.stdlib import text_numbers as numbers
from runtime.stdlib.text import GREATEST, LEAST, ORDER, SELECT, TextFunction

_PREFIXES: Final = {
    "TIME": "T#", "LTIME": "LTIME#", "DATE": "D#", "LDATE": "LDATE#", "TOD": "TOD#",
    "LTOD": "LTOD#", "DT": "DT#", "LDT": "LDT#",
}  # fmt: skip
_TIME_WRITERS: Final = {
    Kind.DURATION: numbers.WRITE_DURATION,
    Kind.DATE: numbers.WRITE_DATE,
    Kind.TIME_OF_DAY: numbers.WRITE_CLOCK,
    Kind.DATE_AND_TIME: numbers.WRITE_MOMENT,
}
_REAL_DIGITS: Final = {REAL: 24, LREAL: 53}


def text_literal(spelling: str, span: Span, findings: Findings) -> Expression | None:
    """Return the constant of a string or character literal, or report it (ST1201)."""
    try:
        literal: TextLiteral = parse_text(spelling)
    except LiteralError as error:
        findings.error("ST1201", span, str(error))
        return None
    if literal.prefix.endswith("CHAR"):
        return Constant(WCHAR if literal.is_wide else CHAR, ord(literal.value))
    return text_constant(literal.value, is_wide=literal.is_wide)


def text_constant(value: str, *, is_wide: bool) -> TextConstant:
    """Return a constant string, of just the capacity that it needs."""
    units = len(units_of(value, is_wide=is_wide)) // (2 if is_wide else 1)
    return TextConstant(text_type(is_wide=is_wide, capacity=units), value)


def coerce_text(
    expression: Expression, target: Elementary, span: Span, findings: Findings
) -> Expression | None:
    """Return an expression as a string or character type, or a string as any, or report it."""
    source = expression.type
    if isinstance(target, Text):
        if isinstance(source, Text) and source.is_wide == target.is_wide:
            return expression
        if source is (WCHAR if target.is_wide else CHAR):
            return written(expression, is_wide=target.is_wide)
    elif isinstance(expression, TextConstant) and target.kind is Kind.CHARACTER:
        is_wide = target is WCHAR
        if expression.type.is_wide == is_wide and expression.type.capacity == 1:
            return Constant(target, ord(expression.value))
    hint = f"convert it: {source.name}_TO_{target.name}(…)"
    if isinstance(expression, TextConstant) and isinstance(target, Text):
        quotes = "double" if target.is_wide else "single"
        hint = f"a literal of type {target.name} stands in {quotes} quotes"
    text = f"{source} does not convert to {target} by itself"
    findings.error("ST3001", span, text, hint)
    return None


def is_text(expression: Expression) -> bool:
    """Whether a value is a string."""
    return isinstance(expression.type, Text)


def capacity_of(expression: Expression) -> int:
    """Return how many code units a string can have."""
    assert isinstance(expression.type, Text)
    return expression.type.capacity


def call_text(
    function: TextFunction, arguments: tuple[Expression, ...], *, is_wide: bool = False
) -> CallText:
    """Return a call of a function of strings; its result's capacity follows from the arguments."""
    capacities = [capacity_of(item) for item in arguments if is_text(item)]
    if not function.gives_text:
        return CallText(LREAL if function.result == "LREAL" else LINT, function, arguments)
    if function.result == "TEXT" and capacities:
        is_wide = any(isinstance(item.type, Text) and item.type.is_wide for item in arguments)
    elif function.result != "TEXT":
        is_wide = function.result == "WIDE"
    data_type = text_type(is_wide=is_wide, capacity=function.capacity(capacities))
    return CallText(data_type, function, arguments)


def compare_texts(symbol: str, left: Expression, right: Expression) -> Expression | None:
    """Return a comparison of two strings of one width, or None where it is not defined."""
    if symbol not in {"=", "<>", "<", ">", "<=", ">="} or not _same_width(left, right):
        return None
    ordered = call_text(ORDER, (left, right))
    return Operate(BOOL, symbol, LINT, ordered, Constant(LINT, 0))


def _same_width(*texts: Expression) -> bool:
    return len({item.type.is_wide if isinstance(item.type, Text) else None for item in texts}) == 1


def select_text(name: str, values: list[Expression]) -> Expression | None:
    """Return MOVE, SEL, MUX, MIN, MAX or LIMIT of strings; None where it is not defined so."""
    if name in {"SEL", "MUX"}:
        selector, *texts = values
        fits = selector.type is BOOL if name == "SEL" else selector.type.is_integer
    else:
        selector, texts, fits = values[0], values, name in {"MOVE", "MIN", "MAX", "LIMIT"}
    if not fits or not _same_width(*texts) or not all(is_text(item) for item in texts):
        return None
    if name == "LIMIT":
        low, value, high = texts
        return call_text(LEAST, (call_text(GREATEST, (value, low)), high))
    chosen = texts[0]
    for number, text in enumerate(texts[1:], 1):
        chosen = _chosen(name, selector, number, (chosen, text))
    return chosen


def _chosen(
    name: str, selector: Expression, number: int, pair: tuple[Expression, Expression]
) -> Expression:
    """Return one of two strings: by order, or the second where the selector reaches a number."""
    if name in {"MIN", "MAX"}:
        return call_text(LEAST if name == "MIN" else GREATEST, pair)
    reached = selector
    if name == "MUX":
        reached = Operate(BOOL, ">=", LINT, _as(LINT, selector), Constant(LINT, number))
    return call_text(SELECT, (_as(LINT, reached), *pair))


def _as(target: Elementary, value: Expression) -> Expression:
    return value if value.type is target else Convert(target, value)


# -- conversions --------------------------------------------------------------------------------


def written(value: Expression, *, is_wide: bool) -> Expression | None:
    """Return a value as a string (INT_TO_STRING); None where there is no such conversion."""
    source = value.type
    if isinstance(source, Text):
        if source.is_wide == is_wide:
            return value
        return call_text(numbers.WIDEN if is_wide else numbers.NARROW, (value,))
    if source.is_time:
        letters = int.from_bytes(_PREFIXES[source.name].encode(), "big")
        more = (Constant(LINT, letters), Constant(LINT, len(_PREFIXES[source.name])))
        counted = _as(LINT, _as(LTIME, value))
        return call_text(_TIME_WRITERS[source.kind], (counted, *more), is_wide=is_wide)
    if source.kind is Kind.REAL:
        digits = Constant(LINT, _REAL_DIGITS[source])
        return call_text(numbers.WRITE_REAL, (_as(LREAL, value), digits), is_wide=is_wide)
    writer = {
        Kind.BOOL: numbers.WRITE_BOOL,
        Kind.SIGNED: numbers.WRITE_SIGNED,
        Kind.UNSIGNED: numbers.WRITE_UNSIGNED,
        Kind.BITS: numbers.WRITE_UNSIGNED,
        Kind.CHARACTER: numbers.WRITE_CHARACTER,
    }.get(source.kind)
    if writer is None:
        return None
    return call_text(writer, (_as(LINT, value),), is_wide=is_wide)


def read(value: Expression, target: Elementary) -> Expression | None:
    """Return what a string says as a value of another type (STRING_TO_INT)."""
    if target.is_calendar:
        parts = (target.kind is not Kind.TIME_OF_DAY, target.kind is not Kind.DATE)
        wanted = tuple(Constant(LINT, int(part)) for part in parts)
        counted: Expression = call_text(numbers.READ_MOMENT, (value, *wanted))
    else:
        reader = _READERS.get(target.kind)
        if reader is None:
            return None
        counted = call_text(reader, (value,))
    return _as(target, _as(LTIME, counted) if target.is_time else counted)


_READERS: Final = {
    Kind.BOOL: numbers.READ_BOOL,
    Kind.SIGNED: numbers.READ_WHOLE,
    Kind.UNSIGNED: numbers.READ_WHOLE,
    Kind.BITS: numbers.READ_WHOLE,
    Kind.REAL: numbers.READ_REAL,
    Kind.DURATION: numbers.READ_DURATION,
    Kind.CHARACTER: numbers.READ_UNIT,
}
