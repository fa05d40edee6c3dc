"""What `takt.toml` names in the program: variables to be recorded, resources. All must be there."""

from collections.abc import Iterable, Iterator

from runtime.artifact.paths import PathError, Paths
from runtime.artifact.program import Symbol
from runtime.errors import Fault, ProjectError
from runtime.project.load import FILE_NAME, Project


def check_named(project: Project, symbols: Iterable[Symbol], resources: Iterable[str]) -> None:
    """Make sure that a program has what its project names.

    Args:
        project: Its `[recorder]` and `[[resource]]` are looked at.
        symbols: The program's variables.
        resources: Of each of its tasks the RESOURCE, empty without one.

    Raises:
        ProjectError: With everything that the program does not have.
    """
    _, faults = _recorded(project, symbols)
    faults += _resource_faults(project, {name.upper() for name in resources if name})
    if faults:
        raise ProjectError(str(project.folder / FILE_NAME), tuple(faults))


def recorded_symbols(project: Project, symbols: Iterable[Symbol]) -> tuple[Symbol, ...]:
    """Return the variables that `[recorder]` names.

    Raises:
        ProjectError: The program does not have one of them.
    """
    found, faults = _recorded(project, symbols)
    if faults:
        raise ProjectError(str(project.folder / FILE_NAME), tuple(faults))
    return found


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
            reason = str(error).removeprefix(f"{path}: ")
            expected = f"the path of a variable ({reason})"
            faults.append(Fault(f"recorder.variables[{number}]", repr(path), expected))
    return tuple(found), faults


def _resource_faults(project: Project, known: set[str]) -> Iterator[Fault]:
    """Yield the resources whose tasks would be pinned, and that have none."""
    listed = ", ".join(sorted(known)) or "no RESOURCE has a task"
    if project.config.task:
        listed = "the tasks are those of [[task]], which have a cpu each"
    for number, section in enumerate(project.config.resource):
        if section.name.upper() not in known:
            expected = f"a RESOURCE of the CONFIGURATION with tasks ({listed})"
            yield Fault(f"resource[{number}].name", repr(section.name), expected)
