"""Durations and addresses as they are written in takt.toml and in programs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.project.units import Address, parse_address, parse_duration, told_duration


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("10ms", 10_000_000), ("1.5s", 1_500_000_000), ("250 us", 250_000), ("250µs", 250_000),
     ("7ns", 7), ("2min", 120_000_000_000), (" 1s ", 1_000_000_000)],
)  # fmt: skip
def test_durations(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (3_600_000_000_000, "1 h"),
        (1_500_000_000, "1.5 s"),
        (100_000, "0.1 ms"),
        (-(10**7), "-10 ms"),
    ],
)
def test_durations_are_told_in_a_unit_of_their_size(nanoseconds: int, text: str) -> None:
    assert told_duration(nanoseconds) == text


@pytest.mark.parametrize("text", ["10", "", "ms", "-1ms", "1e3ms", "1w", 10, None, "1 m s"])
def test_what_is_no_duration(text: object) -> None:
    with pytest.raises(ValueError, match="unit"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("%IX0.3", Address("I", 1, 0, 3)),
        ("%i0.3", Address("I", 1, 0, 3)),
        ("%QX7", Address("Q", 1, 7, 0)),
        ("%QB3", Address("Q", 8, 3)),
        ("%IW2", Address("I", 16, 4)),
        ("%MD4", Address("M", 32, 16)),
        ("%ML1", Address("M", 64, 8)),
    ],
)
def test_addresses_count_in_units_of_their_width(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "%", "%IX", "%IX0.8", "%IW0.1", "%XW0", "IW0", "%IZ1", "%IW-1", 5]
)
def test_what_is_no_address(text: object) -> None:
    with pytest.raises(ValueError, match=r"address|bit"):
        parse_address(text)


@given(
    st.sampled_from("IQM"),
    st.sampled_from([1, 8, 16, 32, 64]),
    st.integers(0, 8000),
    st.integers(0, 7),
)
def test_an_address_reads_back_from_its_own_text(
    area: str, width: int, unit: int, bit: int
) -> None:
    address = Address(area, width, unit * max(width // 8, 1), bit if width == 1 else 0)
    assert parse_address(str(address)) == address


def test_bits_tell_whether_addresses_overlap() -> None:
    word, low, bit = parse_address("%IW2"), parse_address("%IB4"), parse_address("%IX5.7")
    assert set(low.bits) < set(word.bits)
    assert set(bit.bits) < set(word.bits)
    assert not set(low.bits) & set(bit.bits)
