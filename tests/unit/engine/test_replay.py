"""A run is repeated bit by bit from its record: by compiled code and by the interpreter."""

import random
from pathlib import Path

import pytest

from runtime.app.replay import InterpretedReplayer, compiled_replayer, replay, replay_record
from runtime.build import check_sources
from runtime.engine import plan
from runtime.engine.entries import Entry, Kind, entries_of
from runtime.engine.handover import ALL_TASKS, Force
from runtime.engine.record import Recorder, read_record
from runtime.errors import TaktError
from runtime.limits import JOURNAL_BYTES
from runtime.model.exchange import exchanges
from runtime.source import Source
from tests.support.plants import MS, Plant
from tests.support.waiting import wait_until

PATIENCE_S = 30.0

MIXED = """
TYPE Pair : STRUCT A : DINT; S : STRING[12]; B : LINT; END_STRUCT; END_TYPE
VAR_GLOBAL
  Sensor AT %IW0 : INT; Trip AT %IX2.1 : BOOL; Lamp AT %QX0.1 : BOOL; Horn AT %QX0.2 : BOOL;
  P : Pair; Cells : ARRAY [0..31] OF INT; Sum : LINT; Go : BOOL; Clock : TIME;
END_VAR
PROGRAM Fast
VAR_EXTERNAL
  Sensor : INT; Trip, Lamp, Go : BOOL; P : Pair; Cells : ARRAY [0..31] OF INT; Sum : LINT;
END_VAR
VAR N : DINT; T : TON; I : INT; END_VAR
N := N + 1;
T(IN := Trip, PT := T#15ms);
Lamp := T.Q OR Sum MOD 2 = 1;
P.A := N; P.B := P.B * 31 + Sensor; P.S := INT_TO_STRING(Sensor);
I := DINT_TO_INT(N MOD 32);
Cells[I] := Cells[31 - I] + Sensor;
Go := N MOD 7 = 3;
END_PROGRAM
PROGRAM Slow
VAR_EXTERNAL Sensor : INT; Horn : BOOL; P : Pair; Cells : ARRAY [0..31] OF INT; Sum : LINT; END_VAR
VAR I : INT; END_VAR
Sum := Sum * 17 + P.B + LEN(P.S);
FOR I := 0 TO 31 BY 3 DO Cells[I] := Cells[I] + 1; Sum := Sum + Cells[I]; END_FOR;
Horn := Sum > 0;
END_PROGRAM
PROGRAM OnGo
VAR_EXTERNAL P : Pair; Clock : TIME; END_VAR
VAR Seen : LINT; T : TP; END_VAR
T(IN := P.A MOD 2 = 0, PT := T#40ms);
Clock := T.ET;
Seen := Seen * 5 + P.A;
END_PROGRAM
"""
LARGE = MIXED.replace("VAR N : DINT;", "VAR Seen : ARRAY [0..7999] OF DINT; N : DINT;").replace(
    "N := N + 1;", "N := N + 1; Seen[N MOD 8000] := P.A + N;"
)
"""The same with so much of its own in a task that its frames are copied beside the lock."""
TOML = """
[[task]]
name = "Fast"
interval = "1ms"
programs = ["Fast"]
[[task]]
name = "Slow"
interval = "3ms"
priority = 2
programs = ["Slow"]
[[task]]
name = "OnGo"
single = "Go"
priority = 3
programs = ["OnGo"]
"""
ONE_TASK = """
[[task]]
name = "All"
interval = "1ms"
programs = ["Fast", "Slow", "OnGo"]
"""


def run_by_hand(plant: Plant, scans: int, seed: int) -> list[Entry]:
    """Overlap the tasks at random in one thread with random inputs; return the journal."""
    dice = random.Random(seed)
    engine, memory = plant.engine, plant.engine.memory
    memory.put_word(plan.PLC_HASH_EVERY, 1)
    memory.put_word(plan.PLC_VIRTUAL, 1)
    memory.put_word(plan.PLC_ORIGIN_NS, 5 * MS)
    journal, chunks = memory.journal(), []
    under_way: list[int] = []
    now, done = 5 * MS, 0
    while done < scans or under_way:
        now += dice.randrange(1, 2 * MS)
        idle = [n for n in range(len(plant.program.tasks)) if n not in under_way]
        if done < scans and idle and (not under_way or dice.random() < 0.6):
            if dice.random() < 0.5:
                memory.poke(plant.program.inputs.offset, dice.randbytes(3))
            task = dice.choice(idle)
            engine.take(task, now)
            under_way.append(task)
            done += 1
        else:
            task = under_way.pop(dice.randrange(len(under_way)))
            engine.commit(task, faulted=not engine.body(task))
        if done % 100 == 0:
            chunks.append(journal.take())
    assert journal.lost == 0
    return list(entries_of(b"".join([*chunks, journal.take()])))


@pytest.mark.parametrize(
    ("source", "toml"),
    [(MIXED, TOML), (MIXED, ONE_TASK), (LARGE, TOML)],
    ids=["three tasks", "one task", "three tasks with a quiet part"],
)
def test_compiled_code_repeats_every_state(tmp_path: Path, source: str, toml: str) -> None:
    plant = Plant(tmp_path / "p", source, toml)
    entries = run_by_hand(plant, 3000, seed=7)
    for _ in range(2):
        with compiled_replayer(plant.program) as engine:
            result = replay(entries, engine)
        assert (result.scans, result.compared, result.differs_at) == (3000, 3000, None)
        assert result.digest == plant.engine.digest(plant.engine.state)


@pytest.mark.parametrize("toml", [TOML, ONE_TASK], ids=["three tasks", "one task"])
def test_the_interpreter_repeats_every_state(tmp_path: Path, toml: str) -> None:
    plant = Plant(tmp_path / "p", MIXED, toml)
    entries = run_by_hand(plant, 400, seed=11)
    plans = plant.plans()
    model = check_sources((Source("plant.st", MIXED),), plans).model
    assert model is not None
    engine = InterpretedReplayer(model, exchanges(model), plant.engine)
    result = replay(entries, engine)
    assert (result.scans, result.compared, result.differs_at) == (400, 400, None)


@pytest.mark.parametrize("toml", [TOML, ONE_TASK], ids=["three tasks", "one task"])
def test_a_run_that_begins_with_forces_is_repeated_by_both_engines_from_its_file(
    tmp_path: Path, toml: str
) -> None:
    plant = Plant(tmp_path / "p", MIXED, toml)
    memory, path = plant.engine.memory, tmp_path / "run.rec"
    own, shared = plant.program.symbol("FAST.N"), plant.program.symbol("CELLS")
    assert own is not None
    assert shared is not None
    forces = (Force(0, own.offset, 4, 0xFF, 77), Force(ALL_TASKS, shared.offset + 6, 2, 0xFF, 500))
    memory.force(forces)
    assert memory.forces == forces
    with Recorder(path, plant.program, memory.journal(), 1, memory.forces):
        run_by_hand(plant, 400, seed=23)
    record = read_record(path)
    assert record.forces == forces
    assert replay_record(record).differs_at is None
    model = check_sources((Source("plant.st", MIXED),), plant.plans()).model
    assert model is not None
    twin = InterpretedReplayer(model, exchanges(model), plant.engine, record.forces)
    result = replay(record, twin)
    assert (result.scans, result.compared, result.differs_at) == (400, 400, None)
    with compiled_replayer(record.program) as engine:
        assert replay(record, engine).differs_at is not None, "the forces make a difference"


def test_a_real_time_run_of_three_threads_is_repeated_from_its_file(tmp_path: Path) -> None:
    plant = Plant(tmp_path / "p", MIXED, TOML)
    memory = plant.engine.memory
    memory.put_word(plan.PLC_HASH_EVERY, 1)
    path = tmp_path / "run.rec"
    with Recorder(path, plant.program, memory.journal(), 1) as recorder, plant.running():
        wait_until(lambda: plant.statistics("OnGo").scans >= 20, PATIENCE_S, "20 events")
    assert (recorder.lost_bytes, recorder.error) == (0, None)
    record = read_record(path)
    with compiled_replayer(record.program) as engine:
        result = replay(record, engine)
    assert result.differs_at is None
    assert result.scans == sum(plant.statistics(n).scans for n in ("Fast", "Slow", "OnGo"))
    assert result.digest == plant.engine.digest(plant.engine.state)
    overlaps = [entry.kind for entry in record]
    assert overlaps.count(Kind.TAKE) == overlaps.count(Kind.COMMIT) == result.scans


def test_a_changed_input_is_found_at_the_first_state_that_shows_it(tmp_path: Path) -> None:
    plant = Plant(tmp_path / "p", MIXED, TOML)
    entries = run_by_hand(plant, 300, seed=3)
    at = next(n for n, entry in enumerate(entries) if n > 100 and entry.inputs)
    entry = entries[at]
    changed = bytes([entry.inputs[0] ^ 1]) + entry.inputs[1:]
    entries[at] = Entry(
        entry.kind, entry.sequence, entry.task, entry.cycle, entry.time_ns, entry.first, 0, changed
    )
    with compiled_replayer(plant.program) as engine:
        result = replay(entries, engine)
    assert result.differs_at is not None
    assert result.differs_at.sequence > entry.sequence
    assert result.differs_at.sequence <= entry.sequence + 6


def test_the_journal_keeps_the_last_whole_entries(tmp_path: Path) -> None:
    plant = Plant(tmp_path / "p", MIXED, ONE_TASK)
    journal = plant.engine.memory.journal()
    plant.engine.step(20_000, 0)
    kept = list(entries_of(journal.last()))
    assert len(kept) > 2000
    assert kept[-1].sequence == 40_000
    sequences = [entry.sequence for entry in kept]
    assert sequences == list(range(sequences[0], 40_001))
    assert journal.take() == b""
    assert journal.lost > 0


def test_what_is_no_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaktError, match="unreadable"):
        read_record(tmp_path / "absent")
    (tmp_path / "text").write_text("nothing of the kind")
    with pytest.raises(TaktError, match="no record of a run"):
        read_record(tmp_path / "text")


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A record of 200 scans, with inputs and commands."""
    plant = Plant(tmp_path / "p", MIXED, TOML)
    memory, path = plant.engine.memory, tmp_path / "run.rec"
    memory.put_word(plan.PLC_HASH_EVERY, 1)
    with Recorder(path, plant.program, memory.journal(), 1):
        for number in range(200):
            memory.poke(plant.program.inputs.offset, bytes([number]))
            plant.engine.step(1, number * MS, number % 2)
    return path


def test_a_record_that_was_cut_off_is_repeated_as_far_as_it_goes(recorded: Path) -> None:
    whole = recorded.read_bytes()
    record = read_record(recorded)
    assert (len(list(record)), record.cut_bytes) == (400, 0)
    start = len(whole) - len(record.entries)
    for cut in (*range(len(whole) - 130, len(whole)), start + 7, start + 70):
        recorded.write_bytes(whole[:cut])
        part = read_record(recorded)
        assert part.cut_bytes == cut - start - len(part.entries) < 130
        assert [*part] == [*record][: len([*part])]
    recorded.write_bytes(whole[: len(whole) // 2 + start // 2 + 3])
    result = replay_record(read_record(recorded))
    assert result.differs_at is None
    assert 0 < result.scans < 200


def test_a_record_cut_off_before_its_first_scan_is_refused(recorded: Path) -> None:
    whole = recorded.read_bytes()
    start = len(whole) - len(read_record(recorded).entries)
    for cut in (30, start // 2, start - 1):
        recorded.write_bytes(whole[:cut])
        with pytest.raises(TaktError, match="cut off before the first scan"):
            read_record(recorded)


def test_a_damaged_record_is_refused_or_differs_but_never_defeats_the_reader(
    recorded: Path,
) -> None:
    whole = recorded.read_bytes()
    start = len(whole) - len(read_record(recorded).entries)
    dice = random.Random(1)
    refused = []
    places = [25, start // 2, *(dice.randrange(start, len(whole)) for _ in range(400))]
    for place in places:
        flipped = bytes([whole[place] ^ dice.randrange(1, 256)])
        recorded.write_bytes(whole[:place] + flipped + whole[place + 1 :])
        try:
            entries = list(read_record(recorded))
        except TaktError as error:
            refused.append(str(error))
        else:
            assert all(0 <= entry.task < 3 for entry in entries)
    assert len(refused) > 100
    assert all(said.startswith(f"{recorded}: damaged: ") for said in refused)


def test_a_full_disk_ends_the_record_with_a_word_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plant = Plant(tmp_path / "p", "PROGRAM A VAR N : INT; END_VAR N := N + 1; END_PROGRAM", "")
    journal = plant.engine.memory.journal()
    with Recorder(Path("/dev/full"), plant.program, journal, 1) as recorder:
        wait_until(lambda: recorder.error is not None, PATIENCE_S, "the disk to be full")
        assert caplog.messages == ["the record ends here: No space left on device"]
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("padding", [0, 1000], ids=["small entries", "entries of a KiB"])
def test_the_journal_gives_up_no_more_than_a_part_of_itself(tmp_path: Path, padding: int) -> None:
    pad_text = f"VAR_GLOBAL Pad : ARRAY [0..{padding}] OF BYTE; END_VAR\nPROGRAM Fast"
    source = MIXED.replace("PROGRAM Fast", pad_text, 1)
    plant = Plant(tmp_path / "p", source, ONE_TASK)
    pad = plant.program.symbol("PAD")
    assert pad is not None
    plant.engine.memory.note([pad])
    for turn in range(14):
        plant.engine.step(731, turn * 731 * 10 * MS)
        entries = list(entries_of(plant.engine.memory.journal().last()))
        cycles = [entry.cycle for entry in entries]
        assert cycles == sorted(cycles)
        assert cycles[-1] == (turn + 1) * 731
        kept = sum(plan.ENTRY_PAYLOAD + len(entry.values) + len(entry.inputs) for entry in entries)
        written = plant.engine.memory.word(plan.PLC_JOURNAL_HEAD)
        assert kept >= min(written, JOURNAL_BYTES) * (1 - 2 / plan.JOURNAL_PARTS)
