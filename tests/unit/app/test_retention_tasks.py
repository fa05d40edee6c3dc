"""Retained values where several tasks run: of what is committed, whichever of them goes on."""

from pathlib import Path

from runtime.app.retention import FrameReader, restore
from runtime.artifact.program import CompiledProgram
from runtime.build import build_project
from runtime.engine.scan import ScanEngine
from runtime.image.layout import SectionKind
from runtime.project.load import Project, load_project
from runtime.retain.layout import packing_of
from runtime.retain.store import Commit, Recovery, Stamp
from tests.support.retain_project import image_of
from tests.support.retained import values

SOURCE = """
VAR_GLOBAL RETAIN SHARED : DINT; END_VAR
PROGRAM Fast
VAR_EXTERNAL SHARED : DINT; END_VAR
VAR RETAIN N : DINT; END_VAR
N := N + 1; SHARED := N;
END_PROGRAM
PROGRAM Slow
VAR_EXTERNAL SHARED : DINT; END_VAR
VAR RETAIN SEEN, D : DINT := 1; END_VAR
SEEN := SHARED; D := 3 - SEEN; SEEN := SEEN / D;
SEEN := SHARED;
END_PROGRAM
"""
TASKS = """
[project]
name = "keep"
[[task]]
name = "Fast"
interval = "1ms"
programs = ["Fast"]
[[task]]
name = "Slow"
interval = "1ms"
stop = "task"
programs = ["Slow"]
"""
MS = 1_000_000


def built(folder: Path) -> tuple[Project, CompiledProgram]:
    project_folder = folder / "project"
    project_folder.mkdir()
    (project_folder / "main.st").write_text(SOURCE)
    (project_folder / "takt.toml").write_text(TASKS)
    project = load_project(project_folder)
    program = build_project(project).program
    assert program is not None
    return project, program


def test_what_all_tasks_committed_is_saved_past_the_fault_of_one(tmp_path: Path) -> None:
    project, program = built(tmp_path)
    packing = packing_of(program.retained)
    with image_of(project, program, tmp_path) as image:
        engine = ScanEngine(program, project, image)
        reader = FrameReader(image.ring(SectionKind.FRAME), 0, packing)
        seen = []
        for number in range(6):
            for task in (0, 1):
                if not engine.faults or task == 0:
                    engine.step(1, number * MS, task)
            taken = reader.take()
            assert taken is not None
            found = values(packing.layout, taken[0])
            seen.append((found["SHARED"], found["FAST.N"], found["SLOW.SEEN"]))
        assert len(engine.faults) == 1
    # Slow divides by zero in the third round: what it began to write is not among the values.
    assert seen[:2] == [(1, 1, 1), (2, 2, 2)]
    assert all(row[2] == 2 for row in seen[2:])
    assert [row[0] for row in seen[3:]] == [4, 5, 6], "Fast goes on and is saved"
    assert all(row[0] == row[1] for row in seen)


def test_every_task_begins_with_what_was_kept(tmp_path: Path) -> None:
    project, program = built(tmp_path)
    packing = packing_of(program.retained)
    state = bytearray(program.initial_state)
    for path, value in (("SHARED", -7), ("FAST.N", 40), ("SLOW.SEEN", 5)):
        symbol = program.symbol(path)
        assert symbol is not None
        state[symbol.offset : symbol.offset + 4] = value.to_bytes(4, "little", signed=True)
    commit = Commit(packing.layout, packing.pack(state), Stamp(9, 5 * MS, 0))
    kept, _ = restore(program, packing, Recovery(commit, 0, 1, ()))
    with image_of(project, kept, tmp_path) as image:
        engine = ScanEngine(kept, project, image)
        reader = FrameReader(image.ring(SectionKind.FRAME), 0, packing)
        engine.step(1, 0, 1)
        first = reader.take()
        engine.step(1, 0, 0)
        second = reader.take()
    assert first is not None
    assert second is not None
    assert values(packing.layout, first[0])["SLOW.SEEN"] == -7
    found = values(packing.layout, second[0])
    assert (found["FAST.N"], found["SHARED"]) == (41, 41)
    assert second[2] == 5 * MS, "the time went on"
