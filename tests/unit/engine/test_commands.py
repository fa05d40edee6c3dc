"""Writes and forces from outside: applied at a take, in order, each answered with its cycle."""

from dataclasses import replace
from pathlib import Path

import pytest

from runtime.app.replay import InterpretedReplayer, compiled_replayer, replay
from runtime.artifact.paths import Paths
from runtime.artifact.program import Symbol
from runtime.build import check_sources
from runtime.engine import plan
from runtime.engine.entries import entries_of
from runtime.errors import ImageError
from runtime.image import layout
from runtime.image.commands import Commands, Piece
from runtime.image.layout import CommandStatus, SectionKind
from runtime.model.exchange import exchanges
from runtime.source import Source
from tests.support.plants import MS, Plant

SOURCE = """
VAR_GLOBAL
  Setting : INT := 3; Shared : ARRAY [0..1] OF INT; Lamp AT %QX0.1 : BOOL; Horn AT %QX0.2 : BOOL;
  Sensor AT %IW0 : INT;
END_VAR
PROGRAM First
VAR_EXTERNAL Setting : INT; Shared : ARRAY [0..1] OF INT; Lamp, Horn : BOOL; END_VAR
VAR N : INT; Twice : INT; S : STRING[8]; I : INT; END_VAR
N := N + 1;
Twice := Setting * 2;
Shared[I] := N;
Lamp := FALSE;
Horn := TRUE;
END_PROGRAM
PROGRAM Second
VAR_EXTERNAL Setting : INT; Shared : ARRAY [0..1] OF INT; Sensor : INT; END_VAR
VAR N : INT; Seen, Input : INT; I : INT := 1; END_VAR
N := N + 1;
Seen := Setting;
Shared[I] := N;
Input := Sensor;
END_PROGRAM
"""
TOML = """
[[task]]
name = "A"
interval = "1ms"
programs = ["First"]
[[task]]
name = "B"
interval = "1ms"
priority = 2
programs = ["Second"]
"""


class Desk:
    """A plant, its commands, and steps of its tasks."""

    def __init__(self, folder: Path, toml: str = TOML) -> None:
        self.plant = Plant(folder, SOURCE, toml)
        self.commands = Commands(self.plant.image)
        self.now = 0

    def symbol(self, path: str) -> Symbol:
        found = self.plant.program.symbol(path)
        assert found is not None, path
        return found

    def step(self, task: str) -> None:
        self.now += MS
        self.plant.engine.step(1, self.now, self.plant.task(task))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "plant")


def test_a_write_waits_for_the_take_and_is_answered_with_its_cycle(desk: Desk) -> None:
    desk.step("A")
    ticket = desk.commands.write(desk.symbol("FIRST.N"), 100)
    assert desk.commands.answer(ticket) is None
    desk.step("B")
    assert desk.commands.answer(ticket) is None
    desk.step("A")
    answer = desk.commands.answer(ticket)
    assert answer is not None
    assert (answer.status, answer.cycle, answer.sequence) == (CommandStatus.APPLIED, 2, 5)
    assert desk.plant.value("FIRST.N") == 101


def test_a_variable_that_no_task_writes_reaches_all_its_readers(desk: Desk) -> None:
    desk.step("A")
    desk.step("B")
    desk.commands.write(desk.symbol("SETTING"), 21)
    desk.step("A")
    desk.step("B")
    assert desk.plant.value("FIRST.TWICE") == 42
    assert desk.plant.value("SECOND.SEEN") == 21


def test_writes_are_applied_in_their_order(desk: Desk) -> None:
    tickets = [desk.commands.write(desk.symbol("FIRST.N"), value) for value in (5, 9, 7)]
    desk.step("A")
    assert desk.plant.value("FIRST.N") == 8
    answers = [desk.commands.answer(ticket) for ticket in tickets]
    assert [answer.status for answer in answers if answer] == [CommandStatus.APPLIED] * 3


def test_strings_and_single_bits_are_written(desk: Desk) -> None:
    desk.commands.write(desk.symbol("FIRST.S"), "hello")
    desk.commands.write(desk.symbol("LAMP"), value=True)
    desk.step("B")
    assert desk.plant.value("FIRST.S") == ""
    desk.step("A")
    assert desk.plant.value("FIRST.S") == "hello"
    assert desk.plant.value("LAMP") is False  # the program has written it since
    assert desk.plant.value("HORN") is True


def test_a_forced_output_stays_what_the_program_does_to_it(desk: Desk) -> None:
    desk.commands.force(desk.symbol("LAMP"), value=True)
    desk.commands.force(desk.symbol("HORN"), value=False)
    for _ in range(3):
        desk.step("A")
        assert desk.plant.outputs.area[0] & 0b110 == 0b010
    desk.commands.release(desk.symbol("LAMP"))
    desk.step("A")
    assert desk.plant.outputs.area[0] & 0b110 == 0b000
    desk.commands.release_all()
    desk.step("A")
    assert desk.plant.outputs.area[0] & 0b110 == 0b100


def test_a_forced_input_is_seen_by_every_task(desk: Desk) -> None:
    desk.commands.force(desk.symbol("SENSOR"), 77)
    desk.step("A")
    desk.plant.engine.memory.poke(desk.plant.program.inputs.offset, bytes([1, 0]))
    desk.step("B")
    assert desk.plant.value("SECOND.INPUT") == 77


def test_forcing_again_changes_the_value(desk: Desk) -> None:
    for value in (5, 6):
        desk.commands.force(desk.symbol("FIRST.TWICE"), value)
    desk.step("A")
    assert desk.plant.value("FIRST.TWICE") == 6
    assert desk.plant.engine.memory.word(plan.PLC_FORCES) == 1


def test_a_single_task_takes_commands_too(tmp_path: Path) -> None:
    toml = '[[task]]\nname = "A"\ninterval = "1ms"\nprograms = ["First", "Second"]\n'
    desk = Desk(tmp_path / "plant", toml)
    desk.commands.write(desk.symbol("FIRST.N"), 10)
    desk.commands.force(desk.symbol("SECOND.SEEN"), 4)
    desk.step("A")
    assert desk.plant.value("FIRST.N") == 11
    assert desk.plant.value("SECOND.SEEN") == 4


def test_a_full_queue_refuses_until_the_task_runs(desk: Desk) -> None:
    for value in range(layout.COMMAND_SLOTS):
        desk.commands.write(desk.symbol("FIRST.N"), value)
    with pytest.raises(ImageError, match="64 commands wait for task 'A': expected it to run"):
        desk.commands.write(desk.symbol("FIRST.N"), 0)
    desk.step("A")
    assert desk.plant.value("FIRST.N") == layout.COMMAND_SLOTS
    desk.commands.write(desk.symbol("FIRST.N"), 0)


def test_what_cannot_be_commanded_is_refused_by_name(desk: Desk) -> None:
    with pytest.raises(ImageError, match=r"SHARED is ARRAY .*: expected a single value"):
        desk.commands.write(desk.symbol("SHARED"), 1)
    with pytest.raises(ImageError, match=r"FIRST\.S is .*: expected a number or BOOL to force"):
        desk.commands.force(desk.symbol("FIRST.S"), "x")


def test_a_name_that_is_read_only_is_refused(desk: Desk) -> None:
    name = replace(desk.symbol("FIRST.N"), path="SHOWN", direction="READ_ONLY")
    bit = Paths([name]).find("Shown.3")
    refusal = "is READ_ONLY in VAR_ACCESS: expected what may be written"
    with pytest.raises(ImageError, match=f"SHOWN {refusal}"):
        desk.commands.write(name, 1)
    with pytest.raises(ImageError, match=rf"SHOWN\.3 {refusal}"):
        desk.commands.force(bit, value=True)
    with pytest.raises(ImageError, match=f"SHOWN {refusal}"):
        desk.commands.release(name)
    desk.commands.write(replace(name, direction="READ_WRITE"), 10)
    desk.step("A")
    assert desk.plant.value("FIRST.N") == 11


@pytest.mark.parametrize(
    ("offset", "size"),
    [(0, 8), (56, 16), (1 << 40, 4), (-8 & (1 << 64) - 1, 8), (100, 0), (100, 9999)],
)
def test_a_command_that_makes_no_sense_changes_nothing(desk: Desk, offset: int, size: int) -> None:
    desk.step("A")
    before = desk.plant.engine.state[64:]
    ticket = desk.commands.write(desk.symbol("SECOND.N"), 5)
    queue = desk.plant.image.section(SectionKind.COMMANDS, ticket.task)
    slot = layout.COMMANDS_HEADER_BYTES + ticket.number % 64 * layout.COMMAND_BYTES
    queue[slot + 16 : slot + 32] = offset.to_bytes(8, "little") + size.to_bytes(8, "little")
    engine, task = desk.plant.engine, desk.plant.task("B")
    engine.take(task, 5 * MS)
    answer = desk.commands.answer(ticket)
    assert answer is not None
    assert answer.status is CommandStatus.REFUSED
    assert engine.state[64:] == before


def test_a_count_that_makes_no_sense_is_ignored(desk: Desk) -> None:
    queue = desk.plant.image.section(SectionKind.COMMANDS, 0)
    queue[:8] = b"\xff" * 8
    desk.step("A")
    queue[:8] = (1 << 40).to_bytes(8, "little")
    desk.step("A")
    assert desk.plant.value("FIRST.N") == 2


def test_a_run_with_commands_is_repeated_bit_by_bit(desk: Desk) -> None:
    memory = desk.plant.engine.memory
    memory.put_word(plan.PLC_HASH_EVERY, 1)
    for number in range(40):
        if number % 3 == 0:
            desk.commands.write(desk.symbol("SETTING"), number)
        if number % 7 == 0:
            desk.commands.force(desk.symbol("LAMP"), number % 2 == 0)
            desk.commands.force(desk.symbol("SECOND.SEEN"), number)
        if number % 11 == 10:
            desk.commands.release_all()
        desk.step("AB"[number % 2])
    entries = list(entries_of(memory.journal().last()))
    with compiled_replayer(desk.plant.program) as engine:
        result = replay(entries, engine)
    assert (result.compared, result.differs_at) == (40, None)
    model = check_sources((Source("plant.st", SOURCE),), desk.plant.plans()).model
    assert model is not None
    twin = InterpretedReplayer(model, exchanges(model), desk.plant.engine)
    assert replay(entries, twin).differs_at is None


def test_pieces_that_are_neighbours_are_one_command_and_all_take_effect_together(
    desk: Desk,
) -> None:
    first, second = desk.symbol("FIRST.N"), desk.symbol("SECOND.SEEN")
    whole = [
        Piece(first.offset, b"\x05"),
        Piece(first.offset + 1, bytes(first.type.size - 1)),
        Piece(second.offset, (9).to_bytes(second.type.size, "little")),
    ]
    tickets = desk.commands.write_together(whole, 2)
    assert len(tickets) == 2
    desk.step("A")
    desk.step("B")
    assert desk.plant.value("FIRST.N") == 6
    assert [answer.status for ticket in tickets if (answer := desk.commands.answer(ticket))] == [
        CommandStatus.APPLIED
    ] * 2


def test_pieces_for_which_there_is_no_room_are_not_written_at_all(desk: Desk) -> None:
    place = desk.symbol("FIRST.N")
    apart = [Piece(place.offset, b"\x07"), Piece(place.offset, b"\x08")]
    with pytest.raises(ValueError, match="2 commands: expected 1 at most"):
        desk.commands.write_together(apart, 1)
    for _ in range(layout.COMMAND_SLOTS - 1):
        desk.commands.write(place, 1)
    with pytest.raises(ImageError, match=f"{layout.COMMAND_SLOTS - 1} commands wait for task 'A'"):
        desk.commands.write_together(apart, 2)
    desk.step("A")
    assert desk.plant.value("FIRST.N") == 2
