"""Where files of a project that grow stand; TAKT_STATE is a folder that outlives restarts."""

import os
from pathlib import Path

from runtime.project.load import Project


def outbox_path(project: Project) -> Path:
    """Return where the outbox stands."""
    if project.config.outbox.file is not None:
        return project.folder / project.config.outbox.file
    return _kept(project, "outbox.db")


def audit_path(project: Project) -> Path:
    """Return where the log of commands stands: beside the outbox."""
    return outbox_path(project).with_suffix(".commands.jsonl")


def history_path(project: Project) -> Path:
    """Return where the past of the OPC UA server's variables stands."""
    return _kept(project, "history.db")


def _kept(project: Project, name: str) -> Path:
    state = os.environ.get("TAKT_STATE")
    if state is not None:
        return Path(state) / f"{project.config.project.name}.{name}"
    return project.folder / name
