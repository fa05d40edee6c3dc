"""Monitored items: what counts as news, what waits, and in which order it is told."""

from typing import Any

import numpy as np
import pytest

from gateway.protocols.opcua.builtin import OVERFLOW, Status
from gateway.protocols.opcua.cursor import Cursor
from gateway.protocols.opcua.values import decode_values
from gateway.serve.opcua.coding import coding_of, encoded_text
from gateway.serve.opcua.frames import Snapshot
from gateway.serve.opcua.items import TRIGGER_STATUS, TRIGGER_TIME, Board, Item, Sampling
from gateway.serve.opcua.rows import SOURCE, encode_value
from gateway.serve.opcua.variables import Variable
from runtime.datatypes.elementary import ELEMENTARY
from runtime.datatypes.texts import bare_text, text_image, text_type

FAST = Sampling(10.0, SOURCE, 1)
QUEUED = Sampling(10.0, SOURCE, 3)


def variable(name: str, number: int) -> Variable:
    data_type = ELEMENTARY[name]
    coding = coding_of(data_type)
    assert coding is not None
    return Variable(f"V{number}", f"V{number}", 8 * number, data_type, coding)


class Plant:
    """Eight places of eight bytes, and the scans of them."""

    def __init__(self) -> None:
        self.state = np.zeros(64, np.uint8)
        self.scans = 0
        self.status = int(Status.GOOD)

    def scan(self, **values: Any) -> Snapshot:
        for name, value in values.items():
            form = {"float": "<f8", "int": "<i8"}[type(value).__name__]
            self.state.view(form)[int(name[1:])] = value
        self.scans += 1
        state = self.state.copy()
        return Snapshot(self.scans, self.scans, self.scans, self.status, state, np.zeros(0, "<u4"))


def told(board: Board, limit: int = 1000) -> list[tuple[int, int, int]]:
    """Return handle, bits and time of the rows that waited."""
    count, data = board.take(limit, 0)
    found = decode_values(Cursor(data), count, handles=True)
    return [(int(row["handle"]), int(row["raw"]), int(row["source"])) for row in found]


def board_of(*items: Item) -> Board:
    board = Board()
    for item in items:
        board.put(item)
    return board


def test_the_first_sample_is_news_and_then_only_changes_are() -> None:
    board = board_of(*(Item(n, 10 + n, variable("LINT", n), FAST) for n in range(3)))
    plant = Plant()
    board.sample(plant.scan(v0=5), 10.0, 0)
    assert told(board) == [(10, 5, 1), (11, 0, 1), (12, 0, 1)]
    board.sample(plant.scan(v1=6), 10.0, 0)
    assert told(board) == [(11, 6, 2)]
    board.sample(plant.scan(), 10.0, 0)
    assert told(board) == []


def test_a_queue_of_one_keeps_the_newest_value() -> None:
    board, plant = board_of(Item(1, 1, variable("LINT", 0), FAST)), Plant()
    for value in (1, 2, 3):
        board.sample(plant.scan(v0=value), 10.0, 0)
    assert told(board) == [(1, 3, 3)]


def test_a_longer_queue_keeps_the_newest_values_in_order_and_tells_what_it_lost() -> None:
    board, plant = board_of(Item(1, 1, variable("LINT", 0), QUEUED)), Plant()
    for value in (1, 2, 3, 4, 5):
        board.sample(plant.scan(v0=value), 10.0, 0)
    count, data = board.take(1000, 0)
    found = decode_values(Cursor(data), count, handles=True)
    assert found["raw"].tolist() == [3, 4, 5]
    assert found["status"].tolist() == [OVERFLOW, 0, 0]


def test_one_item_that_overflows_costs_another_nothing() -> None:
    items = [Item(n, n, variable("LINT", n), QUEUED) for n in range(2)]
    board, plant = board_of(*items), Plant()
    board.sample(plant.scan(v0=1, v1=77), 10.0, 0)
    for value in (2, 3, 4, 5):
        board.sample(plant.scan(v0=value), 10.0, 0)
    found = told(board)
    assert (1, 77, 1) in found
    assert [raw for handle, raw, _ in found if handle == 0] == [3, 4, 5]


def test_a_change_within_the_deadband_is_no_news_and_adds_up() -> None:
    item = Item(1, 1, variable("LREAL", 0), FAST, deadband=1.0)
    board, plant = board_of(item), Plant()
    seen = []
    for value in (0.0, 0.6, 1.0, 1.2, 1.9, 2.3):
        board.sample(plant.scan(v0=value), 10.0, 0)
        seen += [np.uint64(raw).view("<f8").item() for _, raw, _ in told(board)]
    assert seen == [0.0, 1.2, 2.3]


def test_not_a_number_that_stays_is_no_news() -> None:
    board, plant = board_of(Item(1, 1, variable("LREAL", 0), FAST)), Plant()
    board.sample(plant.scan(v0=float("nan")), 10.0, 0)
    assert len(told(board)) == 1
    board.sample(plant.scan(), 10.0, 0)
    assert told(board) == []


@pytest.mark.parametrize(
    ("trigger", "expected"), [(TRIGGER_STATUS, [1, 4]), (TRIGGER_TIME, [1, 2, 3, 4])]
)
def test_the_trigger_says_what_counts(trigger: int, expected: list[int]) -> None:
    board, plant = board_of(Item(1, 1, variable("LINT", 0), FAST, trigger)), Plant()
    times = []
    uncertain = Status.UNCERTAIN_NO_COMMUNICATION_LAST_USABLE
    for value, status in ((1, 0), (2, 0), (2, 0), (2, uncertain)):
        plant.status = int(status)
        board.sample(plant.scan(v0=value), 10.0, 0)
        times += [time for _, _, time in told(board)]
    assert times == expected


def test_a_limit_leaves_the_rest_for_the_next_message() -> None:
    board = board_of(*(Item(n, n, variable("LINT", n), FAST) for n in range(5)))
    board.sample(Plant().scan(), 10.0, 0)
    parts = [[handle for handle, _, _ in told(board, 2)] for _ in range(3)]
    assert parts == [[0, 1], [2, 3], [4]]
    assert board.rows == 0


def test_an_item_that_goes_takes_what_waits_of_it_along() -> None:
    board = board_of(*(Item(n, n, variable("LINT", n), FAST) for n in range(3)))
    plant = Plant()
    board.sample(plant.scan(v2=9), 10.0, 0)
    board.remove(1)
    assert told(board) == [(0, 0, 1), (2, 9, 1)]
    board.sample(plant.scan(v0=4), 10.0, 0)
    assert told(board) == [(0, 4, 2)]


def test_an_item_that_only_samples_tells_nothing_until_it_reports() -> None:
    from dataclasses import replace

    item = Item(1, 1, variable("LINT", 0), FAST, reporting=False)
    board, plant = board_of(item), Plant()
    board.sample(plant.scan(v0=3), 10.0, 0)
    assert told(board) == []
    board.put(replace(item, reporting=True))
    board.sample(plant.scan(), 10.0, 0)
    assert told(board) == [(1, 3, 2)]


def test_a_text_is_news_when_its_letters_change() -> None:
    text = text_type("STRING", 10)
    coding = coding_of(text)
    assert coding is not None
    board = board_of(Item(1, 1, Variable("T", "T", 0, text, coding), FAST))
    plant = Plant()
    plant.state[:6] = list(b"\x02\0\0\0hi")
    for letters, expected in ((b"hi", 1), (b"hi", 0), (b"ho", 1)):
        plant.state[4:6] = list(letters)
        board.sample(plant.scan(), 10.0, 0)
        count, data = board.take(10, 0)
        assert count == expected
        assert (letters in data) == bool(expected)


def test_a_ustring_travels_as_utf_8() -> None:
    text = text_type("USTRING", 4)
    image = text_image(text, "ä😀")
    assert encoded_text(image, 0, text) == b"\x06\0\0\0" + "ä😀".encode()


def test_a_string_at_an_address_travels_up_to_its_first_nul() -> None:
    assert encoded_text(b"xabc\0def", 1, bare_text(6)) == b"\x03\0\0\0abc"


def test_an_array_of_bits_at_an_address_is_an_array_of_booleans_and_news_by_itself() -> None:
    coding = coding_of(ELEMENTARY["BOOL"])
    assert coding is not None
    doors = Variable("D", "D", 1, ELEMENTARY["BOOL"], coding, 6, bounds=((0, 4),))
    board, plant = board_of(Item(1, 1, doors, FAST)), Plant()
    for state, expected in (([0x40, 0x05], 1), ([0x41, 0x0D], 0), ([0x40, 0x04], 1)):
        plant.state[1:3] = state
        snapshot = plant.scan()
        board.sample(snapshot, 10.0, 0)
        assert board.take(10, 0)[0] == expected
    assert encode_value(doors, snapshot) == bytes((0x80 | 1, 5, 0, 0, 0, 1, 0, 0, 0, 1))


def test_a_bad_status_comes_without_a_value() -> None:
    board, plant = board_of(Item(1, 1, variable("LINT", 0), FAST)), Plant()
    plant.status = int(Status.BAD_WAITING_FOR_INITIAL_DATA)
    board.sample(plant.scan(v0=7), 10.0, 0)
    count, data = board.take(10, 0)
    (row,) = decode_values(Cursor(data), count, handles=True)
    assert (row["kind"], row["raw"], row["status"]) == (0, 0, plant.status)
