"""What a scan takes for its inputs: newest mailbox, effective quality, substitute."""

from pathlib import Path

import pytest

from runtime.artifact.abi import FaultKind
from runtime.engine.scan import Ending
from runtime.image.layout import RING_HEADER_BYTES, Mode, Quality, SectionKind
from runtime.image.payloads import Sample
from runtime.limits import FIRST_SAMPLE_NS
from tests.support.handmade import IO, Rig

SECOND = 1_000_000_000
RELEASE = 100 * SECOND
STALE_AFTER = 50_000_000


def samples(
    source_ns: int = RELEASE, quality: Quality = Quality.GOOD, word: int = 0x1234
) -> tuple[Sample, ...]:
    raws = (1, word, 0x89AB_CDEF, 0xFEDC_BA98_7654_3210)
    return tuple(Sample(raw, source_ns, quality) for raw in raws)


def word(area: bytes) -> int:
    return int.from_bytes(area[2:4], "little")


def test_a_good_sample_reaches_its_address_at_its_width(rig: Rig) -> None:
    rig.send(*samples())
    rig.engine.step(1, RELEASE)
    expected = bytes.fromhex("08 00 34 12 ef cd ab 89 10 32 54 76 98 ba dc fe")
    assert rig.inputs == expected
    assert set(rig.frame.qualities) == {Quality.GOOD}


def test_a_bit_input_leaves_the_other_bits_of_its_byte(tmp_path: Path) -> None:
    rig = Rig(tmp_path, initial=b"\xf7")
    rig.send(*samples())
    rig.engine.step(1, RELEASE)
    assert rig.inputs[0] == 0xFF
    rig.send(Sample(0, RELEASE, Quality.GOOD), *samples()[1:])
    rig.engine.step(1, RELEASE)
    assert rig.inputs[0] == 0xF7


def test_before_any_sample_inputs_are_missing_and_substituted(tmp_path: Path) -> None:
    rig = Rig(tmp_path, initial=bytes(range(16)))
    rig.engine.step(1, RELEASE)
    assert set(rig.frame.qualities) == {Quality.MISSING}
    assert rig.inputs == bytes([0, 1, 77, 0, *range(4, 16)])


def test_a_source_time_of_zero_means_missing_whatever_the_quality_says(rig: Rig) -> None:
    rig.send(*samples(source_ns=0))
    rig.engine.step(1, RELEASE)
    assert set(rig.frame.qualities) == {Quality.MISSING}
    assert word(rig.inputs) == 77


@pytest.mark.parametrize(
    ("age_ns", "quality"),
    [(STALE_AFTER, Quality.GOOD), (STALE_AFTER + 1, Quality.STALE), (-SECOND, Quality.GOOD)],
)
def test_an_input_is_stale_beyond_stale_after_and_not_at_it(
    rig: Rig, age_ns: int, quality: Quality
) -> None:
    rig.send(*samples(RELEASE - age_ns))
    rig.engine.step(1, RELEASE)
    assert set(rig.frame.qualities) == {quality}


def test_a_stale_input_holds_its_value_or_takes_its_default(rig: Rig) -> None:
    rig.send(*samples())
    rig.engine.step(1, RELEASE)
    good = rig.inputs
    rig.engine.step(1, RELEASE + SECOND)
    assert rig.inputs == good[:2] + bytes([77, 0]) + good[4:]


def test_held_is_the_last_usable_sample_not_a_bad_one(rig: Rig) -> None:
    rig.send(*samples())
    rig.engine.step(1, RELEASE)
    held = rig.inputs
    rig.send(*[Sample(0, RELEASE, Quality.BAD)] * 4)
    rig.engine.step(1, RELEASE)
    assert rig.inputs[4:] == held[4:]
    assert set(rig.frame.qualities) == {Quality.BAD}


def test_an_uncertain_sample_is_used_and_marked(rig: Rig) -> None:
    rig.send(*samples(quality=Quality.UNCERTAIN))
    rig.engine.step(1, RELEASE)
    assert word(rig.inputs) == 0x1234
    assert set(rig.frame.qualities) == {Quality.UNCERTAIN}


def test_a_bad_and_old_sample_stays_bad_and_an_uncertain_one_becomes_stale(rig: Rig) -> None:
    old = RELEASE - SECOND
    rig.send(Sample(1, old, Quality.BAD), Sample(1, old, Quality.UNCERTAIN), *samples(old)[2:])
    rig.engine.step(1, RELEASE)
    assert rig.frame.qualities[:2] == (Quality.BAD, Quality.STALE)


def test_a_number_that_is_no_quality_counts_as_bad(rig: Rig) -> None:
    number = rig.send(*samples())
    memory = rig.image.section(SectionKind.INPUTS)
    stride = (len(memory) - RING_HEADER_BYTES) // 4
    first_quality = RING_HEADER_BYTES + number % 4 * stride + 64 + 64 + 16
    memory[first_quality] = 200
    rig.engine.step(1, RELEASE)
    assert rig.frame.qualities[0] is Quality.BAD


def test_recovery_takes_the_new_sample_at_once(rig: Rig) -> None:
    rig.engine.step(1, RELEASE)
    rig.send(*samples(word=5))
    rig.engine.step(1, RELEASE)
    assert word(rig.inputs) == 5


def test_a_mailbox_that_is_being_written_leaves_the_last_copy(rig: Rig) -> None:
    rig.send(*samples(word=1))
    rig.engine.step(1, RELEASE)
    number = rig.send(*samples(word=2))
    memory = rig.image.section(SectionKind.INPUTS)
    stride = (len(memory) - RING_HEADER_BYTES) // 4
    slot = RING_HEADER_BYTES + number % 4 * stride
    memory[slot : slot + 8] = bytes(8)  # the writer has lapped and begun this slot again
    rig.engine.step(1, RELEASE)
    assert word(rig.inputs) == 1
    assert rig.outputs.consumed == ((1, RELEASE),)


def test_a_ring_head_that_makes_no_sense_moves_nothing(rig: Rig) -> None:
    rig.send(*samples(word=1))
    rig.engine.step(1, RELEASE)
    rig.image.section(SectionKind.INPUTS)[:8] = b"\xff" * 8
    rig.engine.step(1, RELEASE)
    assert word(rig.inputs) == 1


def test_inputs_stay_frozen_where_the_program_has_none_configured(tmp_path: Path) -> None:
    rig = Rig(tmp_path, toml="", initial=bytes(range(16)))
    rig.engine.step(3, RELEASE)
    assert rig.inputs == bytes(range(16))
    assert rig.frame.qualities == ()


def test_each_device_has_its_own_mailbox_and_patience(tmp_path: Path) -> None:
    second = IO.replace('"plc"', '"far"').replace("50ms", "9s")
    for before, after in (("IX0.3", "IX0.4"), ("IW1", "IB1"), ("ID1", "IX1.0"), ("IL1", "IX1.1")):
        second = second.replace(before, after)
    second = second[: second.index('[[io]]\naddress = "%IB1"')]
    rig = Rig(tmp_path, toml=IO + second)
    rig.send(*samples(RELEASE - SECOND))
    far = Sample(1, RELEASE - SECOND, Quality.GOOD)
    rig.send(far, device=1)
    rig.engine.step(1, RELEASE)
    assert rig.frame.qualities == (*[Quality.STALE] * 4, Quality.GOOD)
    assert rig.outputs.consumed == ((1, RELEASE - SECOND), (1, RELEASE - SECOND))


NEEDED = IO.replace('substitute = "default"\ndefault = 77', 'substitute = "fault"')
"""The word at %IW1 is an input without which there is no scan."""


def needing(folder: Path) -> Rig:
    """Return a rig whose program has scanned once with all its inputs."""
    assert NEEDED != IO
    rig = Rig(folder, toml=NEEDED)
    rig.send(*samples())
    assert rig.engine.step(1, RELEASE) is Ending.STOPPED
    return rig


@pytest.mark.parametrize(
    ("sample", "quality"),
    [
        (Sample(7, RELEASE + SECOND, Quality.BAD), "bad"),
        (Sample(7, RELEASE, Quality.GOOD), "stale"),
    ],
)
def test_an_input_that_is_needed_ends_the_program_when_it_is_lost(
    tmp_path: Path, sample: Sample, quality: str
) -> None:
    rig = needing(tmp_path)
    one, _, *rest = samples(RELEASE + SECOND)
    rig.send(one, sample, *rest)
    outputs, count = rig.outputs.area, rig.frame.state[96]
    assert rig.engine.step(1, RELEASE + SECOND) is Ending.FAULTED
    fault = rig.engine.fault
    assert fault is not None
    assert str(fault) == f"missing-input %IW1 of device plc ({quality}) in cycle 2"
    assert rig.frame.fault is FaultKind.MISSING_INPUT
    assert rig.frame.state[96] == count, "the program's code did not run"
    assert rig.outputs.area != outputs, "safe values"
    assert rig.image.mode is Mode.FAULTED


def test_an_uncertain_input_is_not_lost_nor_is_one_that_is_not_needed(tmp_path: Path) -> None:
    rig = needing(tmp_path)
    late, uncertain = RELEASE + SECOND, Sample(7, RELEASE + SECOND, Quality.UNCERTAIN)
    rig.send(Sample(0, late, Quality.BAD), uncertain, *samples()[2:])
    assert rig.engine.step(1, late) is Ending.STOPPED
    assert rig.engine.fault is None


def test_a_needed_input_has_its_time_to_come_for_the_first_time(tmp_path: Path) -> None:
    rig = Rig(tmp_path, toml=NEEDED)
    assert rig.engine.step(1, RELEASE) is Ending.STOPPED
    assert rig.engine.step(1, RELEASE + FIRST_SAMPLE_NS) is Ending.STOPPED
    assert rig.engine.step(1, RELEASE + FIRST_SAMPLE_NS + 1) is Ending.FAULTED
    assert "(missing)" in str(rig.engine.fault)


TOLD = (
    IO.partition("[[io]]")[0]
    + '[[io]]\naddress = "%IW1"\ndevice = "plc"\ntable = "input"\nregister = 0\n'
    + 'quality = "%IB1"\nage = "%ID3"\n'
)
"""One input, whose quality %IB1 tells and whose age %ID3."""


def told(rig: Rig) -> tuple[int, int]:
    return rig.inputs[1], int.from_bytes(rig.inputs[12:16], "little")


@pytest.mark.parametrize(
    ("age_ns", "quality", "expected"),
    [
        (0, Quality.GOOD, (0, 0)),
        (1_999_999, Quality.UNCERTAIN, (1, 1)),
        (STALE_AFTER + 1, Quality.GOOD, (2, 50)),
        (7_000_000_000, Quality.BAD, (3, 7000)),
        (-SECOND, Quality.GOOD, (0, 0)),
        (RELEASE, Quality.GOOD, (4, 0xFFFF_FFFF)),
    ],
)
def test_the_program_reads_quality_and_age_of_an_input(
    tmp_path: Path, age_ns: int, quality: Quality, expected: tuple[int, int]
) -> None:
    rig = Rig(tmp_path, toml=TOLD)
    rig.send(Sample(7, RELEASE - age_ns, quality))
    rig.engine.step(1, RELEASE)
    assert told(rig) == expected


def test_an_input_that_never_came_is_missing_and_has_no_age(tmp_path: Path) -> None:
    rig = Rig(tmp_path, toml=TOLD)
    rig.engine.step(1, RELEASE)
    assert told(rig) == (4, 0xFFFF_FFFF)


def test_the_age_of_an_input_grows_from_scan_to_scan(tmp_path: Path) -> None:
    rig = Rig(tmp_path, toml=TOLD)
    rig.send(Sample(7, RELEASE, Quality.GOOD))
    rig.engine.step(1, RELEASE + 10_000_000)
    assert told(rig) == (0, 10)
    rig.engine.step(1, RELEASE + SECOND)
    assert told(rig) == (2, 1000)
