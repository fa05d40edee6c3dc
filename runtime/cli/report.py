"""`takt report`: print the report of a fault."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from runtime.artifact.chains import Link
from runtime.cli.fault_text import print_way
from runtime.errors import TaktError
from runtime.project.load import FILE_NAME, load_project


def report(
    given: Annotated[
        Path,
        typer.Argument(
            metavar="PROJECT|FILE", help="A project: its newest report; or a report's file."
        ),
    ],
    *,
    scans: Annotated[int, typer.Option(min=0, help="How many of the last entries to print.")] = 20,
) -> None:
    """Print the report of a fault: what, where, the scans before it, the values."""
    file = newest_report(given) if given.is_dir() or given.name == FILE_NAME else given
    told = _read(file)
    fault = told["fault"]
    routine = f" in {fault['routine']}" if fault.get("routine") else ""
    place = fault.get("limit") or "at an unknown place"
    if fault["file"]:
        place = f"at {fault['file']}:{fault['line']}"
    cause = f": {fault['cause']}" if fault["cause"] else ""
    print(f"{told['project']}: {fault['kind']}{routine} {place}{cause}")
    instance = f"instance {fault['instance']}, " if fault["instance"] else ""
    print(f"{instance}task {fault['task']}, cycle {fault['cycle']}  ({file})")
    print_way([(_link(call), call["source"]) for call in fault["calls"]], told["named"])
    print("\nbefore it:")
    for entry in told["scans"][-scans:] if scans else []:
        print(f"  {_line(entry)}")
    print("\nvalues in the scan that faulted:")
    for path, value in told["values"].items():
        print(f"  {path} = {json.dumps(value)}")


def newest_report(path: Path) -> Path:
    """Return the newest report of a project.

    Raises:
        TaktError: It has none.
    """
    project = load_project(path)
    folder = project.folder / project.config.recorder.folder
    newest = max(folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns, default=None)
    if newest is None:
        raise TaktError(f"{folder}: no report of a fault is kept there")
    return newest


def _read(file: Path) -> dict[str, Any]:
    from runtime.app.flight_recorder import VERSION

    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise TaktError(f"{file}: unreadable ({error.strerror}); expected a report") from None
    except ValueError:
        told = None
    if not isinstance(told, dict) or told.get("report") != VERSION:
        raise TaktError(f"{file}: no report of a fault; expected a file that the runtime has left")
    return told


def _link(call: dict[str, Any]) -> Link:
    names = ("routine", "name", "file", "line", "column", "instance")
    return Link(*(call[name] for name in names))


def _line(entry: dict[str, Any]) -> str:
    head = f"{entry['sequence']:>8}  {entry['task']:<16} cycle {entry['cycle']:<8}"
    if entry["what"] == "take":
        inputs = f"  %I {entry['inputs']}" if "inputs" in entry else ""
        return f"{head} takes   at {entry['now_ns'] / 1e6:.3f} ms{inputs}"
    if entry["what"] == "commit":
        word = "FAULTS " if entry["faulted"] else "commits"
        values = entry.get("values", {})
        return f"{head} {word} " + "  ".join(f"{k} = {json.dumps(v)}" for k, v in values.items())
    words = [entry["command"], entry.get("path", f"offset {entry.get('offset')}")]
    if entry["command"] == "release all":
        words = words[:1]
    value = f" := {json.dumps(entry['value'])}" if "value" in entry else ""
    return f"{head} {' '.join(words)}{value}"
