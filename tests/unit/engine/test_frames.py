"""Frames of a large state with several tasks: copied beside the lock, in order, and whole."""

import ctypes
from pathlib import Path
from typing import Any

import pytest

from runtime.artifact.exchange import Owned
from runtime.engine import plan
from runtime.engine.quiet import PIECE_BYTES_MIN, parts_of
from runtime.image.commands import Commands
from runtime.image.layout import CommandStatus, SectionKind
from runtime.image.payloads import Frame, decode_frame
from tests.support.plants import MS, Plant
from tests.support.waiting import wait_until

PATIENCE_S = 30.0
_libc = ctypes.CDLL(None)

SOURCE = """
VAR_GLOBAL Told : DINT; Heard : DINT; Lamp AT %QB0 : USINT; END_VAR
PROGRAM Large
VAR_EXTERNAL Told : DINT; Lamp : USINT; END_VAR
VAR N : DINT; I : DINT; Field : ARRAY [0..9999] OF DINT; END_VAR
N := N + 1;
FOR I := 0 TO 9999 DO Field[I] := N; END_FOR;
Told := N;
Lamp := 7;
END_PROGRAM
PROGRAM Small
VAR_EXTERNAL Told : DINT; Heard : DINT; END_VAR
VAR N : DINT; Field : ARRAY [0..2999] OF DINT; I : DINT; END_VAR
N := N + 1;
FOR I := 0 TO 2999 DO Field[I] := N; END_FOR;
Heard := Told;
END_PROGRAM
"""
TASKS = """
[[task]]
name = "Small"
interval = "1ms"
priority = 1
programs = ["Small"]
[[task]]
name = "Large"
interval = "2ms"
priority = 2
programs = ["Large"]
"""
SMALL, LARGE = 0, 1


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return Plant(tmp_path / "plant", SOURCE, TASKS)


def values(plant: Plant, frame: Frame) -> dict[str, Any]:
    """Return what tells whether a frame is whole, by path."""
    paths = ("LARGE.N", "LARGE.FIELD", "SMALL.N", "SMALL.FIELD", "TOLD", "HEARD")
    return {path: plant.value(path, frame.state) for path in paths}


def assert_whole(plant: Plant, frame: Frame) -> None:
    seen = values(plant, frame)
    assert set(seen["LARGE.FIELD"]) == {seen["LARGE.N"]}
    assert set(seen["SMALL.FIELD"]) == {seen["SMALL.N"]}
    assert seen["TOLD"] == seen["LARGE.N"]
    assert seen["HEARD"] <= seen["TOLD"]


class FrameLock:
    """The frame lock, held as another thread about a copy would hold it."""

    def __init__(self, plant: Plant) -> None:
        self._mutex = ctypes.c_void_p(plant.engine.memory.word(plan.PLC_FRAME_LOCK))

    def __enter__(self) -> None:
        assert _libc.pthread_mutex_trylock(self._mutex) == 0

    def __exit__(self, *_: object) -> None:
        _libc.pthread_mutex_unlock(self._mutex)


def _payload(plant: Plant, number: int) -> bytes:
    publication = plant.image.ring(SectionKind.FRAME).publication(number)
    assert publication is not None
    return publication.payload


def scan(plant: Plant, task: int, release_ns: int) -> None:
    plant.engine.take(task, release_ns)
    assert plant.engine.body(task)
    plant.engine.commit(task)


# -- what is quiet ------------------------------------------------------------------------------


def test_what_one_task_alone_sees_is_quiet_and_all_else_loud(plant: Plant) -> None:
    parts = parts_of(plant.program)
    quiet = [
        set(range(item.offset, item.offset + item.size))
        for owned, loud in zip(parts.owned, parts.owned_loud, strict=True)
        for item in owned[loud:]
    ]
    loud = {at for item in parts.loud for at in range(item.offset, item.offset + item.size)}
    everything = set(range(plant.program.state_size))
    assert quiet[LARGE].isdisjoint(quiet[SMALL])
    assert loud.isdisjoint(set().union(*quiet))
    assert loud | set().union(*quiet) == everything
    for path, number in (("LARGE.FIELD", LARGE), ("SMALL.FIELD", SMALL)):
        symbol = plant.program.symbol(path)
        assert symbol is not None
        assert set(range(symbol.offset, symbol.offset + symbol.type.size)) <= quiet[number]
    for path in ("TOLD", "LAMP"):
        symbol = plant.program.symbol(path)
        assert symbol is not None
        assert symbol.offset in loud


def test_each_task_owns_what_it_owned(plant: Plant) -> None:
    parts = parts_of(plant.program)
    for task, owned in zip(plant.program.tasks, parts.owned, strict=True):
        assert _places(owned) == _places(task.exchange.owned)


def _places(ranges: tuple[Owned, ...]) -> set[int]:
    return {at for item in ranges for at in range(item.offset, item.offset + item.size)}


def test_a_small_state_has_no_quiet_part(tmp_path: Path) -> None:
    source = SOURCE.replace("9999", "99").replace("2999", "99")
    plant = Plant(tmp_path / "small", source, TASKS)
    assert parts_of(plant.program).loud == ()
    assert plant.engine.memory.word(plan.PLC_FRAME_LOCK) == 0
    assert PIECE_BYTES_MIN > 400


def test_what_is_written_from_outside_is_in_the_frame_of_its_scan(plant: Plant) -> None:
    commands, field = Commands(plant.image), plant.program.symbol("LARGE.N")
    assert field is not None
    scan(plant, LARGE, MS)
    ticket = commands.write(field, 500)
    scan(plant, LARGE, 2 * MS)
    answer = commands.answer(ticket)
    assert answer is not None
    assert answer.status is CommandStatus.APPLIED
    assert values(plant, plant.frame)["LARGE.N"] == 501
    assert_whole(plant, plant.frame)


# -- beside the lock ----------------------------------------------------------------------------


def test_a_frame_under_way_holds_up_no_other_border(plant: Plant) -> None:
    with FrameLock(plant):
        scan(plant, LARGE, MS)
        scan(plant, SMALL, 2 * MS)
        assert plant.value("HEARD", plant.engine.memory.private(SMALL)) == 1
        assert plant.outputs.area[0] == 7
        assert plant.image.ring(SectionKind.FRAME).head == 0


def test_what_waited_is_completed_in_the_order_of_the_commits(plant: Plant) -> None:
    with FrameLock(plant):
        scan(plant, SMALL, MS)
        scan(plant, LARGE, 2 * MS)
    plant.engine.take(SMALL, 3 * MS)  # nobody begins a scan before its last commit is complete
    ring = plant.image.ring(SectionKind.FRAME)
    assert ring.head == 2
    first, second = (decode_frame(_payload(plant, number)) for number in (1, 2))
    assert (first.task, first.sequence, second.task, second.sequence) == (SMALL, 2, LARGE, 4)
    assert [values(plant, frame)["LARGE.N"] for frame in (first, second)] == [0, 1]
    assert_whole(plant, first)
    assert_whole(plant, second)


def test_the_committed_state_is_whole_after_each_scan(plant: Plant) -> None:
    for number in range(1, 5):
        scan(plant, LARGE, number * 2 * MS)
        scan(plant, SMALL, number * 2 * MS)
        assert plant.frame.state == plant.engine.state
        assert_whole(plant, plant.frame)


def test_in_real_time_every_frame_is_whole(plant: Plant) -> None:
    seen: list[Frame] = []

    def collect() -> bool:
        newest = plant.image.ring(SectionKind.FRAME).latest()
        if newest is not None:
            seen.append(decode_frame(newest.payload))
        return plant.statistics("Large").scans >= 100 and plant.statistics("Small").scans >= 200

    with plant.running():
        wait_until(collect, PATIENCE_S, "300 scans")
    assert len(seen) > 10
    for frame in seen:
        assert_whole(plant, frame)
    sequences = [frame.sequence for frame in seen]
    assert sequences == sorted(sequences)
    scans = plant.statistics("Large").scans + plant.statistics("Small").scans
    assert plant.image.ring(SectionKind.FRAME).head == scans
    assert plant.frame.state == plant.engine.state
