"""Strings in the model: literals, functions, comparisons, conversions.

Strings of one type are assigned to each other whatever their capacity; what does not fit is cut.
STRING, WSTRING and USTRING meet in a conversion by name only, but a literal in plain single quotes
becomes a USTRING where one is wanted.
"""

from collections.abc import Iterable
from typing import Final

from runtime.datatypes.elementary import (
    BOOL,
    LINT,
    LREAL,
    LTIME,
    REAL,
    UCHAR,
    Elementary,
    Kind,
)
from runtime.datatypes.literals import LiteralError
from runtime.datatypes.texts import TEXTS, Text, TextLiteral, parse_text, text_type, units_of
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
from runtime.stdlib.text_encodings import BETWEEN

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
_SPELLINGS: Final = {
    "STRING": "stands in single quotes",
    "WSTRING": "stands in double quotes",
    "USTRING": "is spelt USTRING#'…' or stands in single quotes",
}


def text_literal(spelling: str, span: Span, findings: Findings) -> Expression | None:
    """Return the constant of a string or character literal, or report it (ST1201)."""
    try:
        literal: TextLiteral = parse_text(spelling)
    except LiteralError as error:
        findings.error("ST1201", span, str(error))
        return None
    if literal.is_character:
        return Constant(TEXTS[literal.name].character, ord(literal.value))
    return text_constant(literal.value, literal.name)


def text_constant(value: str, name: str) -> TextConstant:
    """Return a constant string of a type, of just the capacity that it needs."""
    units = len(units_of(value, name)) // TEXTS[name].unit
    return TextConstant(text_type(name, units), value)


def alike(values: Iterable[Expression], *, wanted: str = "") -> list[Expression]:
    """Return values of one operation: beside a USTRING, or where it is wanted, literals are one."""
    given = list(values)
    names = {item.type.name for item in given if isinstance(item.type, Text)}
    if "USTRING" not in {wanted, *names}:
        return given
    return [
        text_constant(item.value, "USTRING")
        if isinstance(item, TextConstant) and item.type.name == "STRING"
        else item
        for item in given
    ]


def coerce_text(
    expression: Expression, target: Elementary, span: Span, findings: Findings
) -> Expression | None:
    """Return an expression as a string or character type, or a string as any, or report it."""
    source = expression.type
    if isinstance(target, Text):
        (expression,) = alike([expression], wanted=target.name)
        source = expression.type
        if isinstance(source, Text) and source.name == target.name:
            return expression
        if source is target.character:
            return written(expression, target.name)
    elif isinstance(expression, TextConstant) and target.kind is Kind.CHARACTER:
        (constant,) = alike([expression], wanted="USTRING" if target is UCHAR else "")
        assert isinstance(constant, TextConstant)
        if constant.type.character is target and constant.type.capacity == 1:
            return Constant(target, ord(constant.value))
    hint = f"convert it: {source.name}_TO_{target.name}(…)"
    if isinstance(expression, TextConstant) and isinstance(target, Text):
        hint = f"a literal of type {target.name} {_SPELLINGS[target.name]}"
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
    function: TextFunction, arguments: tuple[Expression, ...], name: str = "STRING"
) -> CallText:
    """Return a call of a function of strings; its result's capacity follows from the arguments.

    Args:
        function: The function.
        arguments: Its arguments.
        name: The result's type where neither the function nor a string among its arguments tells.
    """
    capacities = [capacity_of(item) for item in arguments if is_text(item)]
    if not function.gives_text:
        return CallText(LREAL if function.result == "LREAL" else LINT, function, arguments)
    if function.result != "TEXT":
        name = function.result
    elif capacities:
        name = next(item.type.name for item in arguments if isinstance(item.type, Text))
    data_type = text_type(name, function.capacity(capacities))
    return CallText(data_type, function, arguments)


def compare_texts(symbol: str, left: Expression, right: Expression) -> Expression | None:
    """Return a comparison of two strings of one type, or None where it is not defined."""
    left, right = alike((left, right))
    if symbol not in {"=", "<>", "<", ">", "<=", ">="} or not _same_type(left, right):
        return None
    ordered = call_text(ORDER, (left, right))
    return Operate(BOOL, symbol, LINT, ordered, Constant(LINT, 0))


def _same_type(*texts: Expression) -> bool:
    return len({item.type.name if isinstance(item.type, Text) else None for item in texts}) == 1


def select_text(name: str, values: list[Expression]) -> Expression | None:
    """Return MOVE, SEL, MUX, MIN, MAX or LIMIT of strings; None where it is not defined so."""
    values = alike(values)
    if name in {"SEL", "MUX"}:
        selector, *texts = values
        fits = selector.type is BOOL if name == "SEL" else selector.type.is_integer
    else:
        selector, texts, fits = values[0], values, name in {"MOVE", "MIN", "MAX", "LIMIT"}
    if not fits or not _same_type(*texts) or not all(is_text(item) for item in texts):
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


def written(value: Expression, name: str) -> Expression | None:
    """Return a value as a STRING, WSTRING or USTRING; None where there is no such conversion."""
    source = value.type
    if isinstance(source, Text):
        return value if source.name == name else call_text(BETWEEN[source.name, name], (value,))
    if source.kind is Kind.CHARACTER:
        return _character_written(value, name)
    if source.is_time:
        letters = int.from_bytes(_PREFIXES[source.name].encode(), "big")
        more = (Constant(LINT, letters), Constant(LINT, len(_PREFIXES[source.name])))
        counted = _as(LINT, _as(LTIME, value))
        return call_text(_TIME_WRITERS[source.kind], (counted, *more), name)
    if source.kind is Kind.REAL:
        digits = Constant(LINT, _REAL_DIGITS[source])
        return call_text(numbers.WRITE_REAL, (_as(LREAL, value), digits), name)
    writer = {
        Kind.BOOL: numbers.WRITE_BOOL,
        Kind.SIGNED: numbers.WRITE_SIGNED,
        Kind.UNSIGNED: numbers.WRITE_UNSIGNED,
        Kind.BITS: numbers.WRITE_UNSIGNED,
    }.get(source.kind)
    if writer is None:
        return None
    return call_text(writer, (_as(LINT, value),), name)


def _character_written(value: Expression, name: str) -> Expression:
    """Return a character as a string; a UCHAR may take two units of a WSTRING."""
    direct = "USTRING" if value.type is UCHAR and name == "WSTRING" else name
    unit = _as(TEXTS[direct].character, value)
    text = call_text(numbers.WRITE_CHARACTER, (_as(LINT, unit),), direct)
    return text if direct == name else call_text(BETWEEN[direct, name], (text,))


def read(value: Expression, target: Elementary) -> Expression | None:
    """Return what a string says as a value of another type (STRING_TO_INT)."""
    if target.kind is Kind.CHARACTER:
        return _first_character(value, target)
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


def _first_character(text: Expression, target: Elementary) -> Expression:
    """Return the first character of a string, as a UCHAR a pair of a WSTRING."""
    assert isinstance(text.type, Text)
    if target is UCHAR and text.type.name == "WSTRING":
        text = call_text(BETWEEN["WSTRING", "USTRING"], (text,))
    assert isinstance(text.type, Text)
    return _as(target, _as(text.type.character, call_text(numbers.READ_UNIT, (text,))))


_READERS: Final = {
    Kind.BOOL: numbers.READ_BOOL,
    Kind.SIGNED: numbers.READ_WHOLE,
    Kind.UNSIGNED: numbers.READ_WHOLE,
    Kind.BITS: numbers.READ_WHOLE,
    Kind.REAL: numbers.READ_REAL,
    Kind.DURATION: numbers.READ_DURATION,
}
