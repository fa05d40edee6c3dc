"""What do the safety checks cost that range analysis leaves in the code?

Peer: the same program compiled without them. No user can do that: the benchmark itself takes the
fault sites of indices, divisions, subranges, references and the loop budget out of the model, and
what has no site is not checked. Digests are compared first; then batches of scans run in turns.
Goal: with checks at most 1.1 times the time without.
"""

import ctypes
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from contenders import (
    NAMES,
    PROGRAMS,
    Contender,
    TaktProgram,
    compile_takt,
    load_driver,
)
from report import Report, geometric_mean, parse_options
from scan_speed import CPU, ROUNDS, checked, row_of, take_turns

from runtime.build import check_sources
from runtime.codegen.module import compile_model
from runtime.model import program
from runtime.model.program import Model
from runtime.model.writes import fields_of, is_node
from runtime.source import read_source

COST_GOAL: Final = 1.1
CHECKED: Final = (
    program.Step
    | program.DynamicStep
    | program.Place
    | program.Operate
    | program.Assign
    | program.For
    | program.While
    | program.GoTo
)
"""Nodes whose fault site may be missing."""


def unchecked(node: Any) -> Any:
    """Return a node of the model, or a tuple of them, without the sites of its checks."""
    if isinstance(node, tuple):
        return tuple(unchecked(item) for item in node)
    if not is_node(node):
        return node
    changed = {name: unchecked(getattr(node, name)) for name in fields_of(type(node))}
    if isinstance(node, CHECKED):
        changed["site"] = -1
    return replace(node, **changed)


def without_checks(model: Model) -> Model:
    """Return a model whose routines check nothing."""
    routines = {
        key: replace(item, body=unchecked(item.body)) for key, item in model.routines.items()
    }
    return replace(model, routines=routines)


def contenders_of(name: str, driver: ctypes.CDLL) -> list[Contender]:
    """Return a program with its checks and without."""
    program_with = compile_takt(name)
    model = check_sources((read_source(PROGRAMS / f"{name}.st"),)).model
    assert model is not None
    bare = replace(program_with, object_code=compile_model(without_checks(model)))
    return [TaktProgram(program_with, driver), TaktProgram(bare, driver, "without checks")]


def main() -> None:
    """Measure in turns and report."""
    question = "What do the remaining safety checks cost? (best 5 % of batches)"
    report = Report(question, parse_options(question))
    os.sched_setaffinity(0, {CPU})
    with tempfile.TemporaryDirectory() as folder:
        driver = load_driver(Path(folder))
        programs = {name: contenders_of(name, driver) for name in NAMES}
        checked(report, programs)
        passes = 3 if report.options.quick else 12
        turns = take_turns(report, programs, passes=passes, rounds=ROUNDS)
    report.rows += [row_of(name, items, COST_GOAL) for name, items in turns.items()]
    report.rows.append(geometric_mean(report.rows, "without checks", COST_GOAL))
    report.finish()


if __name__ == "__main__":
    main()
