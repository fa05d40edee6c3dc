"""Conversions by name (6.6.2.5.2): INT_TO_REAL, TO_REAL, REAL_TRUNC_INT, WORD_BCD_TO_UINT.

The source's type in a name converts the argument implicitly first; without it any type will do.
"""

import re
from typing import Final

from runtime.datatypes.elementary import (
    ELEMENTARY,
    LINT,
    LONG_NAMES,
    LWORD,
    ULINT,
    Elementary,
    Kind,
)
from runtime.datatypes.texts import TEXTS, Text
from runtime.model.checks import Checks, ordered_inputs
from runtime.model.coerce import coerce, settle
from runtime.model.constants import fold
from runtime.model.named_operators import converted_to
from runtime.model.program import CallStandard, Expression
from runtime.model.scope import Scope
from runtime.model.texts import is_text, read, written
from runtime.source import Span
from runtime.stdlib.conversions import BCD_TO_NUMBER, NUMBER_TO_BCD
from runtime.stdlib.library import FUNCTIONS
from runtime.syntax import tree

_TEXT_NAME: Final = re.compile(r"(?:([A-Z]+)_)?TO_([A-Z]+)")
_NAMES: Final = (
    ("bcd in", re.compile(r"(?:([A-Z]+)_)?BCD_TO_([A-Z]+)")),
    ("bcd out", re.compile(r"(?:([A-Z]+)_)?TO_BCD_([A-Z]+)")),
    ("truncate", re.compile(r"(?:([A-Z]+)_)?TRUNC_([A-Z]+)")),
    ("convert", re.compile(r"(?:([A-Z]+)_)?TO_([A-Z]+)")),
)


def short_spelling(key: str) -> str:
    """Return a name with the short names of types: DATE_AND_TIME_TO_DATE is DT_TO_DATE."""
    for long, data_type in reversed(LONG_NAMES.items()):
        key = key.replace(long, data_type.name)
    return key


def check_conversion(
    node: tree.Call, key: str, scope: Scope, checks: Checks
) -> tuple[bool, Expression | None]:
    """Return whether the name is a conversion's, and the conversion unless something is wrong."""
    key = short_spelling(key)
    match = _TEXT_NAME.fullmatch(key)
    if match and {match[1], match[2]} & TEXTS.keys():
        return _text_conversion(node, match[1], match[2], scope, checks)
    for kind, pattern in _NAMES:
        match = pattern.fullmatch(key)
        target = ELEMENTARY.get(match[2]) if match else None
        source = ELEMENTARY.get(match[1]) if match and match[1] else None
        if match is None or target is None or (match[1] and source is None):
            continue
        return True, _convert(node, kind, source, target, scope, checks)
    return False, None


def _text_conversion(
    node: tree.Call, source: str | None, target: str, scope: Scope, checks: Checks
) -> tuple[bool, Expression | None]:
    """Return a conversion from or to a string: INT_TO_STRING, STRING_TO_REAL, TO_WSTRING."""
    wanted: Elementary | None = TEXTS.get(target) or ELEMENTARY.get(target)
    named = TEXTS.get(source) or ELEMENTARY.get(source) if source else None
    if wanted is None or (source and named is None):
        return False, None
    inputs = ordered_inputs(node, scope, checks, ("IN",))
    if inputs is None:
        return True, None
    ((where, operand),) = inputs
    findings = scope.names.findings
    value = coerce(operand, named, where.span, findings) if named is not None else operand
    value = settle(value, where.span, findings) if value is not None else None
    if value is None:
        return True, None
    converted = (
        written(fold(value), wanted.name) if isinstance(wanted, Text) else read(value, wanted)
    )
    if converted is None:
        _report("convert", value.type, wanted, where.span, scope)
        return True, None
    return True, fold(converted)


def _convert(
    node: tree.Call,
    kind: str,
    source: Elementary | None,
    target: Elementary,
    scope: Scope,
    checks: Checks,
) -> Expression | None:
    inputs = ordered_inputs(node, scope, checks, ("IN",))
    if inputs is None:
        return None
    ((where, operand),) = inputs
    findings = scope.names.findings
    if is_text(operand) and source is None and kind == "convert":
        return read(operand, target)
    if source is None:
        value = settle(operand, where.span, findings)
    else:
        value = coerce(operand, source, where.span, findings)
    if value is None:
        return None
    value = fold(value)
    if not _is_defined(kind, value.type, target):
        _report(kind, value.type, target, where.span, scope)
        return None
    return _of_kind(kind, value, target)


def _of_kind(kind: str, value: Expression, target: Elementary) -> Expression:
    if kind == "truncate":
        return CallStandard(target, FUNCTIONS["TRUNC"], (value,))
    if kind == "bcd in":
        bits = converted_to(LWORD, value)
        return converted_to(target, CallStandard(ULINT, BCD_TO_NUMBER, (bits,)))
    if kind == "bcd out":
        number = converted_to(LINT, value)
        return converted_to(target, CallStandard(LWORD, NUMBER_TO_BCD, (number,)))
    return converted_to(target, value)


def _is_defined(kind: str, source: Elementary, target: Elementary) -> bool:
    if kind == "truncate":
        return source.kind is Kind.REAL and target.is_integer
    if kind == "bcd in":
        return source.kind is Kind.BITS and target.is_integer
    if kind == "bcd out":
        return source.is_integer and target.kind is Kind.BITS
    if source.is_time and target.is_time:
        return source.kind is target.kind or (source.kind, target.kind) in _BETWEEN_TIMES
    return True


_BETWEEN_TIMES: Final = frozenset(
    {
        (Kind.DATE_AND_TIME, Kind.DATE),
        (Kind.DATE_AND_TIME, Kind.TIME_OF_DAY),
        (Kind.DATE, Kind.DATE_AND_TIME),
        (Kind.TIME_OF_DAY, Kind.DURATION),
        (Kind.DURATION, Kind.TIME_OF_DAY),
    }
)


def _report(kind: str, source: Elementary, target: Elementary, span: Span, scope: Scope) -> None:
    word = {"truncate": "truncation", "convert": "conversion"}.get(kind, "BCD conversion")
    text = f"there is no {word} from {source} to {target}"
    hint = "expected REAL or LREAL into an integer type" if kind == "truncate" else ""
    scope.names.findings.error("ST3002", span, text, hint)
