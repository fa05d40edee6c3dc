"""What people do to retained values while the project stands still: look, export, import, clear."""

import contextlib
import datetime as dt
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from runtime.app.ready import ready_project
from runtime.app.retention import disk_of, retain_folder
from runtime.datatypes.values import Json
from runtime.errors import HostError, ProjectError, TaktError, UsageError
from runtime.project.load import Project
from runtime.retain.disk import FileDisk, Lock
from runtime.retain.edit import from_json, to_json
from runtime.retain.layout import packing_of
from runtime.retain.migrate import persistent_part
from runtime.retain.store import Commit, Stamp, Store, recover


def kept(project: Project) -> Commit:
    """Return the last commit.

    Raises:
        HostError: There is none.
    """
    disk = disk_of(project)
    found = recover(disk)
    if found.commit is not None:
        return found.commit
    troubles = [f"{disk.paths[item.slot]}: {item.trouble}" for item in found.chains if item.trouble]
    reason = "; ".join(troubles) or "expected a project that has run with RETAIN variables"
    raise HostError(f"{retain_folder(project)}: no retained values; {reason}")


def instances_kept(project: Project) -> int:
    """Return how many PLCs the project has run as, 0 where it has run as itself alone."""
    folder, name = retain_folder(project), project.config.project.name
    if any(path.exists() for path in disk_of(project).paths):
        return 0
    found = {file.stem.removeprefix(f"{name}_") for file in folder.glob(f"{name}_*.[ab]")}
    return sum(part.isdecimal() for part in found)


def described(commit: Commit) -> dict[str, Json]:
    """Return a commit as `takt retain export` writes it."""
    saved = dt.datetime.fromtimestamp(commit.stamp.wall_ns / 1e9, dt.UTC)
    return {
        "saved": saved.isoformat(timespec="milliseconds"),
        "cycle": commit.stamp.cycle,
        "values": to_json(commit.layout, commit.values),
    }


def bring_in(project: Project, file: Path) -> int:
    """Set values from a file that `export` wrote, or a part of it; return how many.

    Raises:
        TaktError: The file is wrong, or the project is running. Nothing was changed.
    """
    wanted = _wanted(file)
    with _locked(project):
        disk = disk_of(project)
        found = recover(disk)
        commit = found.commit or _as_declared(project)
        values, faults = from_json(wanted, commit.layout, commit.values)
        if faults:
            raise ProjectError(str(file), faults)
        _write(Store(disk, commit.layout, found), values, commit.stamp, disk)
    return len(wanted)


def _wanted(file: Path) -> dict[str, object]:
    try:
        content = json.loads(file.read_bytes())
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise UsageError(f"{file}: not JSON ({error})") from None
    values = content.get("values") if isinstance(content, dict) else None
    if not isinstance(values, dict):
        raise UsageError(f'{file}: expected an object with "values", as takt retain export writes')
    return values


def _as_declared(project: Project) -> Commit:
    """Return what a project that has never run would begin with."""
    program = ready_project(project).program
    if program is None:
        raise TaktError("the project has errors; takt check tells them")
    packing = packing_of(program.retained)
    return Commit(packing.layout, packing.pack(program.initial_state), Stamp(0, 0, 0))


def clear(project: Project, make_sure: Callable[[], None]) -> None:
    """Forget all retained values.

    Args:
        project: Whose values.
        make_sure: Called when it could be done, just before it is; what it raises keeps them.

    Raises:
        HostError: The project is running, or the files cannot be removed.
    """
    if not retain_folder(project).is_dir():
        return
    with _locked(project):
        make_sure()
        disk = disk_of(project)
        _remove(disk, recover(disk).slot)


def start_cold(project: Project) -> None:
    """Forget the RETAIN values and keep the PERSISTENT ones, before a start.

    Raises:
        HostError: The project is running, or the files cannot be written.
    """
    if not retain_folder(project).is_dir():
        return
    with _locked(project):
        disk = disk_of(project)
        found = recover(disk)
        if found.commit is None:
            return
        layout, values = persistent_part(found.commit.layout, found.commit.values)
        if layout.entries:
            _write(Store(disk, layout, found), values, found.commit.stamp, disk)
        else:
            _remove(disk, found.slot)


@contextlib.contextmanager
def _locked(project: Project) -> Iterator[None]:
    """Keep the project from running meanwhile."""
    folder = retain_folder(project)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(Lock(folder, project.config.project.name))
        except OSError as error:
            raise HostError(f"{folder}: cannot be written ({error.strerror})") from None
        yield


def _write(store: Store, values: bytes, stamp: Stamp, disk: FileDisk) -> None:
    try:
        store.commit(values, Stamp(stamp.cycle, stamp.program_ns, time.time_ns()))
    except OSError as error:
        raise HostError(f"{disk.paths[0].parent}: cannot be written ({error.strerror})") from None
    finally:
        disk.close()


def _remove(disk: FileDisk, newest: int) -> None:
    """Remove the files, the newest last: what is left by a loss of power is not an older one."""
    try:
        for slot in sorted((0, 1), key=lambda slot: slot == newest):
            disk.remove(slot)
    except OSError as error:
        raise HostError(f"{error.filename}: cannot be removed ({error.strerror})") from None
