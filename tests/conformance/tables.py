"""The tables of features of IEC 61131-3 with the cases that prove each row, read from tables.toml.

A case is the path of an ST file below this folder without `.st`, or `FILE.py::FUNCTION` for a test
that goes through a whole family at its bounds.
"""

import ast
import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
STATUSES: Final = {"yes": "yes", "no": "refused", "differs": "differs"}
"""What a row can say of a feature, and how the page says it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One feature."""

    number: str
    status: str
    title: str
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table of features."""

    number: str
    title: str
    rows: tuple[Row, ...]


def read_tables() -> tuple[Table, ...]:
    """Return all tables, in the order of the standard."""
    content = tomllib.loads((HERE / "tables.toml").read_text(encoding="utf-8"))
    return tuple(
        Table(
            item["number"],
            item["title"],
            tuple(
                Row(number, status, title, tuple(cases.split()))
                for number, status, title, cases in item["rows"]
            ),
        )
        for item in content["table"]
    )


@functools.cache
def exists(case: str) -> bool:
    """Whether there is a case or a test of that name."""
    file, _, function = case.partition("::")
    if not function:
        return (HERE / f"{case}.st").is_file()
    if not (HERE / file).is_file():
        return False
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == function for node in tree.body)


def feature_tables() -> str:
    """Return the part of the page that goes through the tables row by row."""
    tables = read_tables()
    counts = {
        status: sum(row.status == status for table in tables for row in table.rows)
        for status in STATUSES
    }
    said = ", ".join(f"{count} {STATUSES[status]}" for status, count in counts.items())
    lines = [
        "## Table by table",
        "",
        "Rows of the tables of edition 3, the graphical languages left out; `differs` is what is",
        f"deliberately not as the standard has it. Of all rows: {said}.",
    ]
    for table in tables:
        lines += ["", f"### Table {table.number}: {table.title}", "", *_HEAD]
        for row in table.rows:
            proof = ", ".join(f"`{case}`" for case in row.cases)
            title = row.title.replace("|", "\\|")
            lines.append(f"| {row.number} | {title} | {STATUSES[row.status]} | {proof} |")
    return "\n".join([*lines, ""])


_HEAD: Final = ("| row | feature | supported | cases |", "|---|---|---|---|")
