"""`takt put`: write or force a variable of a running project, and say when it took effect."""

import json
import math
import os
import pwd
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from runtime.cli.plc import GivenInstance, GivenProject, plc_image
from runtime.errors import HostError, TaktError, UsageError

if TYPE_CHECKING:
    from runtime.artifact.program import Symbol
    from runtime.datatypes.values import Json
    from runtime.image.commands import Commands, Ticket
    from runtime.image.directory import TaskEntry
    from runtime.image.segment import Image

PATIENCE_S: Final = 5.0
"""Longest wait for the task's next scan, unless its interval is longer."""
_POLL_S: Final = 0.002


def put(
    project: GivenProject,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A variable such as MAIN.SPEED.")],
    value: Annotated[
        str | None,
        typer.Argument(
            help="Its value as in JSON or, for BOOL, TRUE; text may stand without quotes."
        ),
    ] = None,
    *,
    instance: GivenInstance = None,
    force: Annotated[
        bool, typer.Option("--force", help="Hold it at the value until it is released.")
    ] = False,
    release: Annotated[
        bool, typer.Option("--release", help="Let a forced variable go; without a value.")
    ] = False,
) -> None:
    """Write a variable of a running project; print the task's cycle in which it took effect.

    The audit log of the project, `outbox.commands.jsonl`, says who wrote what, and what came of it.

    Exit status: 0; 1 no runtime, no answer or refused; 2 wrong usage.
    """
    from runtime.app.simulate import find_symbol
    from runtime.image.commands import Commands
    from runtime.image.segment import attach_image

    if value is not None and value.startswith("--"):
        raise UsageError(f"{value}: expected a value, or one of --force, --release, --instance")
    if release == (value is not None) or (release and force):
        raise UsageError("expected a value, or --release without one")
    with attach_image(plc_image(project, instance)) as image:
        symbol = find_symbol(image.directory.symbols, name)
        commands = Commands(image)
        given = None if value is None else parse_value(symbol, value)
        trouble = why_standing(image, commands.task_of(symbol))
        if trouble is not None:
            raise HostError(trouble)
        note = _Note(project, image, symbol, given, force=force)
        note.write_down("given")
        try:
            if given is None:
                ticket = commands.release(symbol)
            else:
                ticket = (commands.force if force else commands.write)(symbol, given)
        except TaktError as error:
            note.write_down("refused", reason=str(error))
            raise
        _await_answer(commands, ticket, image.directory.tasks[ticket.task], note)


class _Note:
    """What the audit log says of a command: who, what, and then what came of it."""

    def __init__(
        self, project: Path, image: "Image", symbol: "Symbol", given: "Json | None", *, force: bool
    ) -> None:
        """Take the command; `given` is None where a variable is released."""
        from runtime.audit import AuditLog
        from runtime.project.load import load_project
        from runtime.project.places import audit_path

        self._log = AuditLog(audit_path(load_project(project)))
        order = "force" if force else "write"
        value = str(given) if isinstance(given, float) and not math.isfinite(given) else given
        self._about: dict[str, Json | None] = {
            "source": "put", "user": _user(), "plc": image.directory.project,
            "order": "release" if given is None else order, "variable": symbol.path,
            "value": value,
        }  # fmt: skip

    def write_down(self, outcome: str, **more: "Json") -> None:
        """Append a line.

        Raises:
            HostError: The disk does not take it.
        """
        from runtime.audit import stamped

        try:
            self._log.append(stamped({**self._about, "outcome": outcome, **more}, time.time_ns()))
        except OSError as error:
            reason = error.strerror or error
            raise HostError(f"{self._log.path}: cannot be written: {reason}") from None


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def why_standing(image: "Image", task: int) -> str | None:
    """Return why a task will not take a command, None where it will sooner or later."""
    from runtime.app.monitor import RUNTIME_SILENT_NS
    from runtime.artifact.abi import FaultKind
    from runtime.image.layout import Mode, SectionKind
    from runtime.image.statistics import TaskStatistics

    project, entry = image.directory.project, image.directory.tasks[task]
    counts = TaskStatistics(image.section(SectionKind.TASK_STATISTICS, task))
    if time.monotonic_ns() - image.runtime_heartbeat_ns > RUNTIME_SILENT_NS:
        is_new = image.ring(SectionKind.FRAME).head == 0
        told = "has not begun to scan yet" if is_new else "shows no sign of life"
        return f"{project}: its runtime, pid {image.runtime_pid}, {told}"
    if counts.fault is not FaultKind.NONE:
        return f"{project}: task {entry.name} has faulted; expected a running one (`takt restart`)"
    if image.mode is Mode.FAULTED:
        return f"{project} is FAULTED: expected RUNNING (`takt restart`)"
    if image.mode is Mode.STOPPED and counts.scans:
        return f"{project} is STOPPED: expected RUNNING (`takt start`)"
    return None


def parse_value(symbol: "Symbol", text: str) -> bool | int | float | str:
    """Return the value that a user means for a variable: as in JSON, TRUE and FALSE as in ST.

    Raises:
        UsageError: The variable cannot take it.
    """
    from runtime.datatypes.elementary import ELEMENTARY, Elementary
    from runtime.datatypes.values import describe, parse_json

    if not isinstance(symbol.type, Elementary):
        raise UsageError(f"{symbol.path} is {symbol.type}; expected a single variable")
    try:
        given = json.loads(text.lower() if symbol.type == ELEMENTARY["BOOL"] else text)
    except ValueError:
        given = text
    parsed = parse_json(given, symbol.type)
    if parsed is None:
        raise UsageError(f"{symbol.path} = {text}: expected {describe(symbol.type)}")
    return parsed


def _await_answer(commands: "Commands", ticket: "Ticket", task: "TaskEntry", note: "_Note") -> None:
    from runtime.image.layout import CommandStatus

    patience_s = PATIENCE_S + task.interval_ns / 1e9
    deadline = time.monotonic() + patience_s
    while (answer := commands.answer(ticket)) is None:
        if time.monotonic() > deadline:
            note.write_down("unknown")
            waits = "the command waits for its next scan"
            raise HostError(f"task {task.name} has not scanned for {patience_s:g} s; {waits}")
        time.sleep(_POLL_S)  # noqa: TID251  a command line's wait
    is_applied = answer.status is CommandStatus.APPLIED
    note.write_down("applied" if is_applied else "refused", task=task.name, cycle=answer.cycle)
    if not is_applied:
        raise HostError(f"refused by task {task.name} in cycle {answer.cycle}")
    print(f"task {task.name}, cycle {answer.cycle}")
