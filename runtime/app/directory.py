"""What the image of a project says it holds: tasks, devices, areas, variables."""

from runtime.artifact.program import CompiledProgram, Symbol
from runtime.engine import plan
from runtime.engine.settings import task_settings
from runtime.image.directory import Directory, TaskEntry, device_entries, frame_slots
from runtime.project.load import Project


def task_entries(program: CompiledProgram, project: Project) -> tuple[TaskEntry, ...]:
    """Return the tasks as the image lists them; event and freewheeling ones have no interval."""
    return tuple(
        TaskEntry(
            item.name,
            item.interval_ns if item.kind == plan.CYCLIC else 0,
            tuple((owned.offset, owned.size) for owned in task.exchange.owned),
            task.priority,
            _path_of(task.single, program),
            task.programs,
        )
        for item, task in zip(task_settings(program, project), program.tasks, strict=True)
    )


def _path_of(place: Symbol | None, program: CompiledProgram) -> str:
    """Return the name of a place, empty where it has none."""
    if place is None:
        return ""
    at = place.offset, place.bit
    return next((item.path for item in program.symbols if (item.offset, item.bit) == at), "")


def directory_of(project: Project, program: CompiledProgram) -> Directory:
    """Return what the image of a project and its program holds."""
    return Directory(
        project=project.config.project.name,
        tasks=task_entries(program, project),
        devices=device_entries(project),
        outputs=program.outputs,
        input_area=program.inputs,
        memory_area=program.memory,
        state_bytes=program.state_size,
        symbols=program.symbols,
        sites=program.sites,
        units=program.units,
        frame_slots=frame_slots(project, task_entries(program, project), program.state_size),
    )
