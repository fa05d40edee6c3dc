"""Changes of outputs, and who speaks for them."""

import pytest

from gateway.config import RUNTIME_SILENT_MAX_NS, RUNTIME_SILENT_NS
from gateway.flow.authority import Authority, RuntimeView, Watch, silence_limit_ns
from gateway.flow.outputs import changes, read_outputs, safe_values
from gateway.tags import Channel, Encoding, Output
from runtime.image.layout import Mode


# -- outputs ------------------------------------------------------------------------------------
def output(byte: int, bit: int, width: int, safe: int = 0) -> Output:
    return Output(Channel("", "holding", 0, 1, Encoding(width)), byte, bit, width, safe)


def test_outputs_are_read_little_endian_from_the_area() -> None:
    area = bytes([0b0000_1000, 0, 0x34, 0x12, 0x78, 0x56, 0x34, 0x12, 1, 0, 0, 0, 0, 0, 0, 0x80])
    outputs = [output(0, 3, 1), output(0, 2, 1), output(2, 0, 16), output(4, 0, 32)]

    assert read_outputs(area, outputs) == (1, 0, 0x1234, 0x1234_5678)
    assert read_outputs(area, [output(8, 0, 64)]) == (0x8000_0000_0000_0001,)


def test_safe_values_are_the_configured_ones() -> None:
    assert safe_values([output(0, 0, 1, 1), output(2, 0, 16, 500)]) == (1, 500)


def test_what_the_device_has_not_acknowledged_is_to_be_written() -> None:
    assert changes((1, 2, 3), (1, 5, None), held=()) == {1: 2, 2: 3}


def test_what_the_device_refused_waits() -> None:
    assert changes((1, 2), (0, 0), held={1}) == {0: 1}


# -- authority ----------------------------------------------------------------------------------
LIMIT = 1000


def view(
    mode: Mode = Mode.RUNNING, alive_ns: int = 0, *, published: bool = True, safe: bool = False
) -> RuntimeView:
    return RuntimeView(mode, alive_ns, published, safe)


def test_a_running_program_speaks_for_its_outputs() -> None:
    assert Watch(LIMIT, 0).judge(view(alive_ns=10), 10) is Authority.PROGRAM


def test_silence_up_to_the_limit_changes_nothing_and_beyond_it_the_gateway_speaks() -> None:
    watch = Watch(LIMIT, 0)

    assert watch.judge(view(alive_ns=10), 10 + LIMIT) is Authority.PROGRAM
    assert watch.judge(view(alive_ns=10), 11 + LIMIT) is Authority.GATEWAY


def test_a_program_that_returns_speaks_again() -> None:
    watch = Watch(LIMIT, 0)
    watch.judge(view(alive_ns=0), 5000)

    assert watch.judge(view(alive_ns=5001), 5001) is Authority.PROGRAM


def test_a_runtime_that_was_dead_before_the_gateway_came_never_spoke() -> None:
    assert Watch(LIMIT, 50_000).judge(view(alive_ns=10), 50_000) is Authority.GATEWAY


@pytest.mark.parametrize("mode", [Mode.STOPPED, Mode.FAULTED])
def test_a_stopped_program_speaks_by_its_safe_outputs_only(mode: Mode) -> None:
    watch = Watch(LIMIT, 0)

    assert watch.judge(view(mode, 10, safe=True), 10) is Authority.PROGRAM
    assert watch.judge(view(mode, 20), 20) is Authority.NOBODY
    assert watch.judge(view(mode, 2000), 2000) is Authority.GATEWAY


def test_safe_outputs_stand_when_the_runtime_that_published_them_is_gone() -> None:
    assert Watch(LIMIT, 0).judge(view(Mode.STOPPED, 10, safe=True), 9000) is Authority.PROGRAM


def test_a_program_that_starts_is_given_time_for_its_first_outputs() -> None:
    watch = Watch(LIMIT, 0)

    assert watch.judge(view(Mode.READY, 900, published=False), 900) is Authority.NOBODY
    assert watch.judge(view(Mode.READY, 1100, published=False), 1100) is Authority.GATEWAY


@pytest.mark.parametrize(
    ("intervals", "limit"),
    [
        ([], RUNTIME_SILENT_NS),
        ([1_000_000], RUNTIME_SILENT_NS),
        ([500_000_000, 10_000_000_000], 5_000_000_000),
        ([3_600_000_000_000], RUNTIME_SILENT_MAX_NS),
    ],
)
def test_the_limit_of_silence_follows_the_interval_between_two_bounds(
    intervals: list[int], limit: int
) -> None:
    assert silence_limit_ns(intervals) == limit
