"""The table of clauses: what of IEC 61131-3 is supported, shown by the cases that prove it."""

from collections import defaultdict
from pathlib import Path
from typing import Final

from tests.conformance.tables import feature_tables
from tests.support.conformance import find_cases, read_case

HERE: Final = Path(__file__).parent
PAGE: Final = HERE.parents[1] / "runtime" / "doc" / "conformance.md"

TITLES: Final = {
    "6.1.1": "Characters of the source",
    "6.1.2": "Identifiers and keywords",
    "6.1.3": "Keywords",
    "6.1.5": "Comments",
    "6.2": "Pragmas",
    "6.3.2": "Numeric and text literals",
    "6.3.3": "Text literals with escapes",
    "6.3.4": "Durations",
    "6.3.5": "Dates and times of day",
    "6.4.2": "Elementary data types",
    "6.4.2.1": "Ranges and wrap of the elementary types",
    "6.4.4": "User-defined types and their initial values",
    "6.4.4.3": "Enumerations",
    "6.4.4.4": "Subranges",
    "6.4.4.5": "Arrays",
    "6.4.4.6": "Structures",
    "6.4.4.7": "Structures with relative addresses",
    "6.4.4.8": "Structures with addresses that are told later",
    "6.4.4.9": "Unions and overlapping structures",
    "6.4.4.10": "References",
    "6.5.1": "Declaration and initial values",
    "6.5.2": "Sections of variables",
    "6.5.3": "Arrays of any bounds",
    "6.5.5": "Directly represented and located variables, parts of bit strings",
    "6.5.6": "Retentive variables",
    "6.6.1": "Features common to all units: in-outs, open arrays, EN and ENO",
    "6.6.1.3": "Assignment of parameters",
    "6.6.1.4.2": "Named and positional calls",
    "6.6.1.5": "EN and ENO",
    "6.6.1.6": "Implicit conversions",
    "6.6.1.7": "Overloaded functions",
    "6.6.2.5": "Assertions",
    "6.6.2.1": "Declaration of functions",
    "6.6.2.5.2": "Conversion functions",
    "6.6.2.5.3": "Numeric functions",
    "6.6.2.5.4": "Shifts and bitwise functions",
    "6.6.2.5.5": "Selection and comparison functions",
    "6.6.2.5.6": "Text functions",
    "6.6.2.5.7": "Date and duration functions",
    "6.6.2.5.9": "Byte orders and validity",
    "6.6.3.1": "Function blocks and their instances",
    "6.6.3.2": "Sections of function blocks",
    "6.6.3.3": "Instances with values of their own",
    "6.6.3.4": "Calls of instances",
    "6.6.3.5.2": "Bistable blocks",
    "6.6.3.5.3": "Edge detection",
    "6.6.3.5.4": "Counters",
    "6.6.3.5.5": "Timers",
    "6.6.4": "Programs",
    "6.6.5": "Classes and their methods",
    "6.6.5.4": "Instances of classes with values of their own",
    "6.6.5.5": "Calls of methods",
    "6.6.6": "Interfaces and properties",
    "6.6.7": "Inheritance of function blocks and polymorphism",
    "6.7.2": "SFC: steps",
    "6.7.3": "SFC: transitions",
    "6.7.4": "SFC: actions and their qualifiers",
    "6.7.5": "SFC: rules of evolution",
    "6.8.1": "Configurations and resources",
    "6.8.2": "Tasks",
    "6.9": "Namespaces",
    "7.2": "Instruction List",
    "7.3.2": "Expressions",
    "7.3.3": "Statements",
    "7.3.3.1": "Assignments",
    "7.3.3.2": "RETURN",
    "7.3.3.3.1": "IF",
    "7.3.3.3.2": "CASE",
    "7.3.3.3.3": "CASE by an enumeration",
    "7.3.3.4.2": "FOR",
    "7.3.3.4.3": "WHILE, REPEAT, EXIT, CONTINUE",
    "annex-F": "Controllers",
    "library": "Blocks beyond the standard",
}
"""Titles of the clauses that the cases name."""


def clause_table() -> str:
    """Return the page `runtime/doc/conformance.md`, made from the cases below this folder."""
    cases: dict[str, list[str]] = defaultdict(list)
    for path in find_cases(HERE):
        clause = read_case(path).attributes["clause"]
        cases[clause].append(path.relative_to(HERE).with_suffix("").as_posix())
    rows = []
    for clause, names in sorted(cases.items(), key=lambda item: _order(item[0])):
        listed = ", ".join(f"`{name}`" for name in names)
        rows.append(f"| {clause} | {TITLES[clause]} | yes | {len(names)}: {listed} |")
    return "\n".join([*_HEAD, *rows, "", feature_tables()])


_HEAD: Final = (
    "# Conformance: clause, supported, proved by",
    "",
    "Made from the cases in `tests/conformance` by `pytest --update-cases tests/conformance`.",
    "The rows of the standard's tables follow below. Every case runs compiled and interpreted and",
    "gives the same bytes. What is not listed is",
    "refused with a diagnostic, never skipped; so is the arithmetic of pointers.",
    "",
    "| clause | what | supported | cases |",
    "|---|---|---|---|",
)


def _order(clause: str) -> tuple[int, list[int], str]:
    parts = clause.split(".")
    if not all(part.isdigit() for part in parts):
        return 1, [], clause
    return 0, [int(part) for part in parts], clause
