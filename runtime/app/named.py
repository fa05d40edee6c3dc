"""What `takt.toml` names in the program, variables and resources: all of it must be there."""

import contextlib
from collections.abc import Iterable, Iterator

from runtime.artifact.paths import PathError, Paths
from runtime.artifact.program import Symbol
from runtime.errors import Fault, ProjectError
from runtime.project.lines import project_error
from runtime.project.load import FILE_NAME, Project


def check_named(project: Project, symbols: Iterable[Symbol], resources: Iterable[str]) -> None:
    """Make sure that a program has what its project names.

    Args:
        project: Its `[recorder]`, `[[resource]]` and `[[server.range]]` are looked at.
        symbols: The program's variables.
        resources: Of each of its tasks the RESOURCE, empty without one.

    Raises:
        ProjectError: With everything that the program does not have.
    """
    known = tuple(symbols)
    _, faults = _recorded(project, known)
    faults += _resource_faults(project, {name.upper() for name in resources if name})
    faults += _range_faults(project, known)
    if faults:
        raise _error(project, faults)


def recorded_symbols(project: Project, symbols: Iterable[Symbol]) -> tuple[Symbol, ...]:
    """Return the variables that `[recorder]` names.

    Raises:
        ProjectError: The program does not have one of them.
    """
    found, faults = _recorded(project, symbols)
    if faults:
        raise _error(project, faults)
    return found


def _error(project: Project, faults: list[Fault]) -> ProjectError:
    file, text = project.folder / FILE_NAME, ""
    with contextlib.suppress(OSError, UnicodeDecodeError):  # moved since: without lines then
        text = file.read_text(encoding="utf-8")
    return project_error(str(file), text, faults)


def _recorded(
    project: Project, symbols: Iterable[Symbol]
) -> tuple[tuple[Symbol, ...], list[Fault]]:
    if not project.config.recorder.variables:
        return (), []
    paths, found, faults = Paths(symbols), [], []
    for number, path in enumerate(project.config.recorder.variables):
        try:
            found.append(paths.find(path))
        except PathError as error:
            faults.append(_path_fault(f"recorder.variables[{number}]", path, error))
    return tuple(found), faults


def _path_fault(key: str, path: str, error: PathError) -> Fault:
    reason = str(error).removeprefix(f"{path}: ")
    return Fault(key, repr(path), f"the path of a variable ({reason})")


def _range_faults(project: Project, symbols: tuple[Symbol, ...]) -> Iterator[Fault]:
    """Yield the ranges of servers whose variable is not there, or is not to be written."""
    if not project.config.server:
        return
    paths = Paths(symbols)
    for number, server in enumerate(project.config.server):
        for place, item in enumerate(server.range):
            key = f"server[{number}].range[{place}]"
            if item.variable is None:
                continue
            try:
                symbol = paths.find(item.variable)
            except PathError as error:
                yield _path_fault(f"{key}.variable", item.variable, error)
            else:
                if symbol.is_read_only and item.access == "read-write":
                    expected = f'"read": {item.variable} is {symbol.sealed_by}'
                    yield Fault(f"{key}.access", repr(item.access), expected)


def _resource_faults(project: Project, known: set[str]) -> Iterator[Fault]:
    """Yield the resources whose tasks would be pinned, and that have none."""
    listed = ", ".join(sorted(known)) or "no RESOURCE has a task"
    if project.config.task:
        listed = "the tasks are those of [[task]], which have a cpu each"
    for number, section in enumerate(project.config.resource):
        if section.name.upper() not in known:
            expected = f"a RESOURCE of the CONFIGURATION with tasks ({listed})"
            yield Fault(f"resource[{number}].name", repr(section.name), expected)
