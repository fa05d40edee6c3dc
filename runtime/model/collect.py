"""What the units declare, by name: the first look at them, before anything is worked out."""

from runtime.model.named_operators import OPERATORS
from runtime.model.work import Declarations
from runtime.source import Span
from runtime.stdlib.declare import BEYOND
from runtime.stdlib.library import BLOCKS, FUNCTIONS
from runtime.stdlib.text import TEXT_FUNCTIONS
from runtime.syntax import tree


def collect(units: tuple[tree.Unit, ...], work: Declarations) -> None:
    """Enter the globals, types and routines of the units; a name is declared once (ST2003)."""
    findings, declared_here = work.names.findings, set[str]()
    for unit in units:
        _collect_globals(unit, work)
        both: tuple[tree.TypeDeclaration | tree.Pou, ...] = (*unit.types, *unit.pous)
        for declared in both:
            key = declared.name.name.upper()
            check_name(declared.name.name.rpartition(".")[2], declared.name.span, work)
            if key in declared_here or key in work.names.types:
                what = "declared" if key in declared_here else "an elementary type"
                text = f"{declared.name.name} is already {what}"
                findings.error("ST2003", declared.name.span, text)
                continue
            declared_here.add(key)
            _replace_standard(key, declared.name, work)
            if isinstance(declared, tree.Pou):
                work.routine_trees[key] = declared
            else:
                work.type_trees[key] = declared


def _replace_standard(key: str, name: tree.Name, work: Declarations) -> None:
    """Let a declaration of the project stand for the library's of that name; say so (ST2020)."""
    work.names.routines.pop(key, None)
    block = BLOCKS.get(key)
    what = "function block" if block is not None else "function"
    known = key in FUNCTIONS or key in TEXT_FUNCTIONS or key in OPERATORS
    if known or (block is not None and block.clause != BEYOND):
        text = f"{name.name} takes the place of the standard {what} {key} in the whole project"
        work.names.findings.note("ST2020", name.span, text)


def _collect_globals(unit: tree.Unit, work: Declarations) -> None:
    inside = (block for item in unit.configurations for block in item.blocks)
    for block in (*unit.globals, *inside):
        if block.section != "VAR_GLOBAL":
            continue
        for variable in block.variables:
            key = variable.name.upper()
            if key in work.global_trees:
                text = f"{variable.name} is already declared"
                work.names.findings.error("ST2003", variable.span, text)
            elif key:
                work.global_trees[key] = (variable, block)


def check_name(name: str, span: Span, work: Declarations) -> None:
    """Report a name with a dot (ST1101) or with misplaced underscores (ST2013)."""
    if "." in name:
        work.names.findings.error("ST1101", span, f"expected a name without '.', found {name!r}")
    if "__" in name or name.endswith("_"):
        text = f"{name} has two underscores in a row or one at its end"
        work.names.findings.error("ST2013", span, text)
