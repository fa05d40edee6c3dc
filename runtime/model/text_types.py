"""String types with a length of their own: STRING[80], USTRING(n) with a constant n (6.4.2)."""

from runtime.datatypes.elementary import LINT
from runtime.datatypes.texts import TEXTS, text_type
from runtime.limits import TEXT_UNITS_MAX
from runtime.model.initial import constant_of
from runtime.model.scope import Scope, TypeInfo
from runtime.syntax import tree


def declared_text(spec: tree.NamedType, length: tree.Expression, scope: Scope) -> TypeInfo | None:
    """Return STRING[n], WSTRING[n] or USTRING[n], n from 0 on, or report why it is none."""
    named = TEXTS.get(spec.name.upper())
    if named is None:
        text = f"{spec.name} takes no length"
        scope.names.findings.error("ST2002", spec.span, text, "STRING, WSTRING and USTRING do")
        return None
    capacity = constant_of(length, LINT, scope)
    if capacity is None:
        return None
    if not 0 <= capacity.value <= TEXT_UNITS_MAX:
        text = f"a {named.name} of {capacity.value} characters"
        scope.names.findings.error("ST2010", length.span, text, f"expected 0 to {TEXT_UNITS_MAX}")
        return None
    data_type = text_type(named.name, int(capacity.value))
    return TypeInfo(data_type, bytes(data_type.size))
