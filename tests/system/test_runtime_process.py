"""The runtime process from outside: its ends, its faults, its log, a second one beside it."""

import os
import signal
from pathlib import Path

import pytest

from runtime.artifact.abi import FaultKind
from runtime.image.layout import Link, LinkError, Mode, Quality, SectionKind
from runtime.image.payloads import Mailbox, Sample, encode_mailbox
from tests.support.handmade import SAFE_AREA
from tests.support.runtime_process import (
    PATIENCE_S,
    RunningRuntime,
    image_file,
    running,
    spawn,
)
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system


def send_last_input(runtime: RunningRuntime, raw: int) -> None:
    """Publish a mailbox whose fourth input, %IL1, has a value; its last byte 16#EE is a fault."""
    now = runtime.frame.release_ns
    samples = (*[Sample(0, now, Quality.GOOD)] * 3, Sample(raw, now, Quality.GOOD))
    mailbox = Mailbox(Link.UP, LinkError.NONE, 0, 0, 0, 0, samples)
    runtime.image.ring(SectionKind.INPUTS).publish(encode_mailbox(mailbox))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_with_status_0_and_safe_outputs(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path) as runtime:
        assert runtime.end(number) == 0
        assert runtime.outputs.safe
        assert runtime.outputs.area == SAFE_AREA
        assert runtime.image.mode is Mode.STOPPED
        assert not image_file(tmp_path).exists()


def test_a_stop_does_not_wait_for_a_long_interval(tmp_path: Path) -> None:
    with running(tmp_path, "--interval", "60min") as runtime:
        assert runtime.end() == 0
        assert runtime.outputs.safe


def test_the_heart_beats_within_a_long_interval(tmp_path: Path) -> None:
    with running(tmp_path, "--interval", "60min") as runtime:
        before = runtime.image.runtime_heartbeat_ns
        wait_until(
            lambda: runtime.image.runtime_heartbeat_ns > before, PATIENCE_S, "a later heartbeat"
        )


def test_the_log_tells_the_whole_life_in_json(tmp_path: Path) -> None:
    with running(tmp_path) as runtime:
        runtime.await_scans(20)
        runtime.end()
        (built,) = runtime.records("built")
        (started,) = runtime.records("started")
        (stopped,) = runtime.records("stopped")
        wishes = [str(record["message"]) for record in runtime.records("real time: ")]
        scans = runtime.statistics.scans
    assert built["start"] in {"warm", "cold"}
    assert started["pid"] == runtime.process.pid
    assert started["image"] == str(image_file(tmp_path))
    assert stopped["scans"] == scans
    for subject in ("SCHED_FIFO", "timer slack", "locked", "deep sleep"):
        assert sum(subject in wish for wish in wishes) == 1


def test_a_fault_leaves_safe_outputs_and_a_living_image(tmp_path: Path) -> None:
    with running(tmp_path) as runtime:
        send_last_input(runtime, 0xEE << 56)
        wait_until(lambda: runtime.image.mode is Mode.FAULTED, PATIENCE_S, "the mode FAULTED")
        assert runtime.outputs.safe
        assert runtime.outputs.area == SAFE_AREA
        assert runtime.frame.fault is FaultKind.ZERO_DIVISION
        before = runtime.image.runtime_heartbeat_ns
        wait_until(
            lambda: runtime.image.runtime_heartbeat_ns > before, PATIENCE_S, "a later heartbeat"
        )
        assert runtime.process.poll() is None
        assert runtime.end() == 3
        (fault,) = runtime.records("fault")
        assert fault["cycle"] == runtime.outputs.cycle
    assert (fault["file"], fault["line"]) == ("plant.st", 7)
    assert fault["kind"] == "division-by-zero"


def test_a_second_runtime_of_a_project_is_refused(tmp_path: Path) -> None:
    with running(tmp_path) as runtime:
        assert spawn(tmp_path).wait(PATIENCE_S) == 1
        assert "expected one runtime for this project" in runtime.log.read_text(encoding="utf-8")
        runtime.await_scans(5)
        assert runtime.image.is_current()


def test_after_a_kill_the_next_runtime_starts_and_replaces_the_image(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        first.process.kill()
        first.process.wait(PATIENCE_S)
        with running(tmp_path) as second:
            assert second.image.generation != first.image.generation
            assert not first.image.is_current()
            assert second.end() == 0


def test_only_the_scan_thread_has_a_real_time_priority(tmp_path: Path) -> None:
    with running(tmp_path) as runtime:
        wait_until(lambda: runtime.records("started"), PATIENCE_S, "the record of the start")
        (priority,) = runtime.records("real time: SCHED_FIFO")
        granted = ": granted" in str(priority["message"])
        threads = list(Path(f"/proc/{runtime.process.pid}/task").iterdir())
        others = [item for item in threads if item != runtime.scan_thread]
        assert _policy(runtime.scan_thread) == (
            os.SCHED_FIFO | os.SCHED_RESET_ON_FORK if granted else os.SCHED_OTHER
        )
        assert {_policy(thread) for thread in others} == {os.SCHED_OTHER}


def _policy(thread: Path) -> int:
    return os.sched_getscheduler(int(thread.name))
