"""Retained values of a running project: restored at the start, saved beside the scan."""

import logging
import os
import struct
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from runtime.app.retention import FrameReader, Keeper, Saving, disk_of
from runtime.artifact import abi
from runtime.artifact.program import CompiledProgram
from runtime.build import build_project
from runtime.errors import HostError
from runtime.image import layout
from runtime.image.layout import SectionKind
from runtime.image.segment import Image
from runtime.image.statistics import RetainStatistics
from runtime.project.load import Project, load_project
from runtime.retain.disk import FileDisk
from runtime.retain.layout import packing_of
from runtime.retain.store import Stamp, Store, recover
from tests.support.power import MemoryDisk
from tests.support.retain_project import SOURCE, image_of, loaded, publish, write_project
from tests.support.retained import values
from tests.support.waiting import wait_until


def state_with(program: CompiledProgram, now_ns: int = 0, **wanted: int) -> bytes:
    """Return the program's initial state with some DINTs of MAIN set."""
    state = bytearray(program.initial_state)
    struct.pack_into("<q", state, abi.NOW_NS, now_ns)
    for name, value in wanted.items():
        symbol = program.symbol(f"MAIN.{name}")
        assert symbol is not None
        struct.pack_into("<i", state, symbol.offset, value)
    return bytes(state)


def read(program: CompiledProgram, name: str) -> object:
    symbol = program.symbol(f"MAIN.{name}")
    assert symbol is not None
    return symbol.read(program.initial_state)


def kept(project: Project) -> dict[str, object]:
    commit = recover(disk_of(project)).commit
    assert commit is not None
    return dict(values(commit.layout, commit.values))


def has_saved(project: Project, number: int) -> bool:
    return kept(project)["N"] == number


def one_run(
    project: Project, program: CompiledProgram, folder: Path, frame: bytes
) -> CompiledProgram:
    """Start, publish one frame and stop; return the program that was run."""
    with image_of(project, program, folder) as image:
        with Keeper(project, program, image) as keeper:
            publish(image, 1, frame)
        return keeper.program


def test_the_last_frame_is_saved_and_the_next_run_begins_with_it(tmp_path: Path) -> None:
    project, program = loaded(tmp_path)
    first = one_run(project, program, tmp_path, state_with(program, N=70, P=80, LOOSE=90))
    assert (read(first, "N"), read(first, "P")) == (1, 5)
    second = one_run(project, program, tmp_path, state_with(program, N=71))
    assert [read(second, name) for name in ("N", "P", "LOOSE")] == [70, 80, 0]


def test_the_time_of_the_program_goes_on(tmp_path: Path) -> None:
    project, program = loaded(tmp_path)
    one_run(project, program, tmp_path, state_with(program, now_ns=5_000_000_000))
    again = one_run(project, program, tmp_path, state_with(program))
    assert struct.unpack_from("<q", again.initial_state, abi.NOW_NS) == (5_000_000_000,)


def test_frames_are_saved_while_the_project_runs(tmp_path: Path) -> None:
    project, program = loaded(tmp_path)
    with image_of(project, program, tmp_path) as image, Keeper(project, program, image):
        for number in (10, 20, 30):
            publish(image, number, state_with(program, N=number))
            wait_until(partial(has_saved, project, number), 10, "the save")


def test_the_scan_that_ended_in_a_fault_is_left_out(tmp_path: Path) -> None:
    project, program = loaded(tmp_path)
    with image_of(project, program, tmp_path) as image, Keeper(project, program, image):
        publish(image, 1, state_with(program, N=6))
        publish(image, 2, state_with(program, N=7), fault=int(abi.FaultKind.INDEX))
    assert kept(project)["N"] == 6


def test_a_changed_program_takes_over_what_it_still_has(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project, program = loaded(tmp_path)
    one_run(project, program, tmp_path, state_with(program, N=70, P=80))
    project, program = loaded(
        tmp_path, SOURCE.replace("N : DINT := 1; A", "FRESH : INT := 3; N : LINT; B")
        .replace("A[I] := N;", "B[I] := 1;").replace("PERSISTENT P : DINT", "PERSISTENT P : BOOL")
        .replace("P : BOOL := 5", "P : BOOL").replace("P := P + 1;", "")
    )  # fmt: skip
    with caplog.at_level(logging.INFO):
        second = one_run(project, program, tmp_path, program.initial_state)
    assert [read(second, name) for name in ("N", "FRESH", "P")] == [70, 3, False]
    (record,) = [item for item in caplog.records if item.message == "retained values restored"]
    said = vars(record)
    assert record.levelno == logging.WARNING
    assert (said["kept"], said["new"], said["dropped"], said["reset"]) == (
        2, ["MAIN.FRESH", "MAIN.B"], ["MAIN.A"], ["MAIN.P"],
    )  # fmt: skip


def test_a_program_without_retained_variables_writes_nothing(tmp_path: Path) -> None:
    project, program = loaded(tmp_path, "PROGRAM Main\nVAR N : INT; END_VAR\nEND_PROGRAM\n")
    one_run(project, program, tmp_path, program.initial_state)
    assert not (project.folder / "retain").exists()


def test_two_runtimes_do_not_write_the_same_files(tmp_path: Path) -> None:
    project, program = loaded(tmp_path)
    held = pytest.raises(HostError, match="held by a running Takt")
    with image_of(project, program, tmp_path) as image, Keeper(project, program, image), held:
        Keeper(project, program, image).__enter__()


def test_a_folder_that_cannot_be_written_is_said_and_the_project_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project, program = loaded(tmp_path)
    (project.folder / "retain").write_text("a file, no folder")
    ran = one_run(project, program, tmp_path, state_with(program, N=9))
    assert read(ran, "N") == 1
    errors = [item for item in caplog.records if item.levelno == logging.ERROR]
    assert {item.message for item in errors} == {
        "retained variables start as declared: none of the files can be used",
        "retained values cannot be saved; trying again",
        "the last retained values are not saved",
    }


def test_damaged_files_are_said_and_the_variables_start_as_declared(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project, program = loaded(tmp_path)
    (project.folder / "retain").mkdir()
    (project.folder / "retain" / "keep.a").write_text("something else")
    ran = one_run(project, program, tmp_path, state_with(program, N=9))
    assert read(ran, "N") == 1
    assert "retained values: not a file of retained values" in caplog.messages
    assert (project.folder / "retain" / "keep.a.damaged").exists()
    assert kept(project)["N"] == 9


# -- a failing disk -------------------------------------------------------------------------------


def saving_on(
    disk: MemoryDisk, program: CompiledProgram, image: Image, wall_ns: Callable[[], int] = int
) -> Saving:
    packing = packing_of(program.retained)
    reader = FrameReader(image.ring(SectionKind.FRAME), 0, packing)
    store = Store(disk, packing.layout, recover(disk))
    return Saving(store, reader, wall_ns, {"plc": "keep", "folder": "/state"})


def test_a_failing_disk_is_said_once_counted_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project, program = loaded(tmp_path)
    disk = MemoryDisk()
    with image_of(project, program, tmp_path) as image:
        saving = saving_on(disk, program, image)
        shown = RetainStatistics(image.section(SectionKind.RETAIN_STATISTICS))
        saving.shown = shown
        disk.failing = {"sync": OSError(5, "Input/output error")}
        for number in (2, 3, 4):
            publish(image, number, state_with(program, N=number))
            saving.save()
            assert shown.read().failing
        disk.failing = {}
        saving.save()
        counts = shown.read()
    assert (counts.commits, counts.failures, counts.failing) == (1, 3, False)
    assert counts.value_bytes == packing_of(program.retained).layout.size
    assert saving.failures == 3
    assert caplog.messages == [
        "retained values cannot be saved; trying again",
        "retained values are saved again",
    ]
    commit = recover(disk).commit
    assert commit is not None
    assert commit.stamp == Stamp(4, 0, 0)


def test_a_disk_that_fails_now_and_then_is_told_of_once_a_minute(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project, program = loaded(tmp_path)
    disk, seconds = MemoryDisk(), iter(range(2, 10**9, 2))
    with image_of(project, program, tmp_path) as image:
        saving = saving_on(disk, program, image, lambda: next(seconds) * 10**9)
        for number in range(2, 42):
            disk.failing = {"write": OSError(28, "No space left on device")} if number % 2 else {}
            publish(image, number, state_with(program, N=number))
            saving.save()
            assert saving.failing == bool(number % 2)
    told = [item for item in caplog.records if item.levelno == logging.ERROR]
    assert saving.failures == 20
    assert len(told) == 2, "over two minutes"
    assert vars(told[0])["folder"] == "/state"
    assert vars(told[0])["error"] == "No space left on device"


def test_a_last_save_that_fails_is_an_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, program = loaded(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with image_of(project, program, tmp_path) as image, Keeper(project, program, image):
        publish(image, 1, state_with(program, N=5))
        monkeypatch.setattr(FileDisk, "write", full)
    last = caplog.records[-1]
    assert (last.message, last.levelno) == ("the last retained values are not saved", logging.ERROR)
    assert vars(last)["plc"] == "keep"


def test_a_scan_that_overtakes_the_saver_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project, program = loaded(tmp_path)
    with image_of(project, program, tmp_path) as image:
        saving = saving_on(MemoryDisk(), program, image)
        saving.save()
        assert saving.failures == 0, "there is no frame before the first scan"
        ring = image.section(SectionKind.FRAME)
        publish(image, 1, state_with(program, N=4))
        struct.pack_into("<Q", ring, layout.RING_HEAD, 2)  # its slot is being written, for ever
        saving.save()
        saving.save()
        assert saving.failures == 2
        struct.pack_into("<Q", ring, layout.RING_HEAD, 1)
        saving.save()
    assert caplog.messages == [
        "retained values cannot be saved; trying again",
        "retained values are saved again",
    ]


def test_the_time_alone_is_saved_once_a_minute(tmp_path: Path) -> None:
    project, program = loaded(tmp_path)
    disk = MemoryDisk()
    times = []
    with image_of(project, program, tmp_path) as image:
        saving = saving_on(disk, program, image)
        for second in (0, 1, 59, 60, 61, 119, 120):
            publish(image, second + 1, state_with(program, now_ns=second * 10**9))
            saving.save()
            commit = recover(disk).commit
            assert commit is not None
            times.append(commit.stamp.program_ns // 10**9)
    assert times == [0, 0, 0, 60, 60, 60, 120]


def test_frames_are_of_one_scan_however_fast_they_come(tmp_path: Path) -> None:
    project, program = loaded(tmp_path)
    packing = packing_of(program.retained)
    with image_of(project, program, tmp_path) as image:
        reader = FrameReader(image.ring(SectionKind.FRAME), 0, packing)
        assert reader.take() is None
        for number in range(1, 10):
            publish(image, number, state_with(program, now_ns=number * 7, N=number))
        taken = reader.take()
        assert taken is not None
        found, cycle, now_ns = taken
        assert (values(packing.layout, found)["N"], cycle, now_ns) == (9, 9, 63)
        assert reader.take() is None, "the same frame is not taken twice"


def test_the_files_of_a_project_stand_where_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = loaded(tmp_path)
    assert disk_of(project).paths[0] == project.folder / "retain" / "keep.a"
    monkeypatch.setenv("TAKT_STATE", str(tmp_path / "state"))
    assert disk_of(project).paths[1] == tmp_path / "state" / "keep.b"
    assert isinstance(disk_of(project), FileDisk)


def test_the_saver_leaves_the_processors_of_the_scan_alone(tmp_path: Path) -> None:
    first, *others = sorted(os.sched_getaffinity(0))
    folder = write_project(tmp_path)
    file = folder / "takt.toml"
    file.write_text(f"{file.read_text()}[runtime]\ncpu = {first}\n")
    project = load_project(folder)
    program = build_project(project).program
    assert program is not None
    with image_of(project, program, tmp_path) as image, Keeper(project, program, image):
        (thread,) = [item for item in threading.enumerate() if item.name == "retain"]
        assert thread.native_id is not None
        publish(image, 1, state_with(program, N=3))
        wait_until(partial(has_saved, project, 3), 10, "the save")
        assert os.sched_getaffinity(thread.native_id) == set(others or [first])
        assert os.sched_getscheduler(thread.native_id) == os.SCHED_OTHER
