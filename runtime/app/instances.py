"""Which PLCs one process runs: instances of a project, or several projects; their names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from runtime.errors import UsageError
from runtime.limits import INSTANCES_MAX
from runtime.project.load import Project


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """What the user asked for."""

    instances: int = 1
    """PLCs of each project."""
    pools: int | None = None
    """Threads that run them; None: one less than the processors, at least one."""
    cold: bool = False
    """Whether RETAIN variables start as declared."""


def check_together(projects: Sequence[Project], instances: int) -> None:
    """Make sure that projects can run in one process.

    Raises:
        UsageError: Two have one name, one has devices that its instances would share, or there are
            too many.
    """
    names = [project.config.project.name for project in projects]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"project {name}: given twice; expected a name of its own for each")
    if len(projects) * instances > INSTANCES_MAX:
        raise UsageError(
            f"{len(projects) * instances} PLCs: expected at most {INSTANCES_MAX} in one process"
        )
    for project in projects:
        if instances > 1 and project.config.device:
            raise UsageError(
                f"project {project.config.project.name}: its {instances} instances would drive the "
                f"same device {project.config.device[0].name}; expected a project without devices, "
                "or a project of its own for each PLC"
            )


def instances_of(project: Project, count: int) -> Iterator[Project]:
    """Yield the project itself, or as many as are wanted, named NAME_1, NAME_2 and so on."""
    if count == 1:
        yield project
        return
    for number in range(1, count + 1):
        yield named(project, f"{project.config.project.name}_{number}")


def named(project: Project, name: str) -> Project:
    """Return the project as one of its instances is called."""
    section = project.config.project.model_copy(update={"name": name})
    return replace(project, config=project.config.model_copy(update={"project": section}))
