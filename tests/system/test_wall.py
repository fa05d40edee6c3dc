"""The wall: nothing that Python, the gateway or a device does moves the scan."""

import ctypes
import itertools
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from runtime.engine.scan import Ending
from runtime.image import layout
from runtime.image.layout import Quality, SectionKind
from runtime.image.payloads import decode_frame
from runtime.image.slots import SlotRing
from runtime.image.statistics import HistogramCopy
from tests.support.handmade import INPUTS, Rig
from tests.support.runtime_process import PATIENCE_S, ROOT, RunningRuntime, image_file, running
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system

NOISE = 0.1
"""Share of releases that a busy test machine may skip."""


def skipped_share(runtime: RunningRuntime) -> float:
    statistics = runtime.statistics
    return statistics.skipped / (statistics.skipped + statistics.scans)


def run_scans(folder: Path, *options: str, scans: int) -> tuple[float, HistogramCopy]:
    """Return the share of skipped releases and the lateness of a run."""
    with running(folder, "--interval", "5ms", *options) as runtime:
        runtime.await_scans(scans)
        share, lateness = skipped_share(runtime), runtime.statistics.lateness.copy()
        assert runtime.end() == 0
    return share, lateness


def test_a_thread_that_hogs_the_interpreter_does_not_move_the_scan(tmp_path: Path) -> None:
    quiet_share, _ = run_scans(tmp_path, scans=200)
    hogged_share, lateness = run_scans(tmp_path, "--hog", scans=200)
    assert hogged_share <= quiet_share + NOISE
    # A loop that needed the interpreter would wait for it a switch interval in every scan.
    assert lateness.percentile(50) < sys.getswitchinterval() * 1e9 / 2


def test_beside_a_hog_the_scan_thread_waits_for_the_clock_only(tmp_path: Path) -> None:
    with running(tmp_path, "--interval", "5ms", "--hog") as runtime:
        before = runtime.statistics.scans, runtime.waits
        runtime.await_scans(200)
        waits, scans = runtime.waits - before[1], runtime.statistics.scans - before[0]
    # One sleep a scan; each wait for the interpreter's lock would be one more.
    assert waits <= scans * (1 + NOISE)


def test_scans_go_on_while_the_interpreter_is_locked(tmp_path: Path) -> None:
    """PyDLL keeps the interpreter's lock during the call: no Python can run in the process."""
    rig = Rig(tmp_path)
    endings: list[Ending] = []
    thread = threading.Thread(target=lambda: endings.append(rig.engine.run()))
    thread.start()
    try:
        wait_until(lambda: rig.statistics.scans > 0, PATIENCE_S, "the first scan")
        usleep = ctypes.PyDLL(None).usleep
        before = rig.statistics.scans
        usleep(500_000)  # 50 intervals
        during = rig.statistics.scans - before
    finally:
        rig.engine.stop()
        thread.join()
    assert during > 50 * (1 - NOISE) / 2
    assert endings == [Ending.STOPPED]


def start_gateway(folder: Path) -> subprocess.Popen[bytes]:
    """Start a process that writes good samples to the image every 5 ms."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.fake_gateway", str(image_file(folder))], cwd=ROOT
    )


def test_a_killed_gateway_leaves_stale_inputs_and_a_scan_that_goes_on(tmp_path: Path) -> None:
    with running(tmp_path) as runtime:
        for _ in range(2):  # killed, brought back, killed again
            gateway = start_gateway(tmp_path)
            try:
                wait_until(
                    lambda: set(runtime.frame.qualities) == {Quality.GOOD},
                    PATIENCE_S,
                    "good inputs",
                )
                assert runtime.frame.state[INPUTS + 2 : INPUTS + 4] == b"\x02\x00"
            finally:
                gateway.kill()
                gateway.wait(PATIENCE_S)
            wait_until(
                lambda: set(runtime.frame.qualities) == {Quality.STALE}, PATIENCE_S, "stale inputs"
            )
            area = runtime.frame.state[INPUTS : INPUTS + 16]
            assert area[2:4] == bytes([77, 0])  # its default
            assert area[4:8] == bytes([3, 0, 0, 0])  # held
            runtime.await_scans(50)
        assert skipped_share(runtime) <= NOISE
        assert runtime.end() == 0


def test_an_overrun_skips_releases_and_never_bursts(tmp_path: Path) -> None:
    interval = 10_000_000
    rig = Rig(tmp_path, burn=60_000_000)
    thread = threading.Thread(target=rig.engine.run)
    thread.start()
    try:
        wait_until(lambda: rig.statistics.scans >= 6, PATIENCE_S, "6 long scans")
    finally:
        rig.engine.stop()
        thread.join()
    statistics = rig.statistics
    assert statistics.overruns > 0
    assert statistics.skipped >= statistics.overruns
    frames = sorted(
        (decode_frame(payload) for payload in kept_payloads(rig)), key=lambda frame: frame.cycle
    )
    origin = frames[0].release_ns - int.from_bytes(frames[0].state[:8], "little")
    for earlier, later in itertools.pairwise(frames):
        assert later.cycle == earlier.cycle + 1
        assert later.release_ns >= earlier.end_ns
    for frame in frames:
        assert (frame.release_ns - origin) % interval == 0
    releases = (frames[-1].release_ns - origin) // interval + 1
    assert statistics.scans <= releases <= statistics.scans + statistics.skipped


def test_releases_stand_clear_of_the_kernel_s_tick(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    thread = threading.Thread(target=rig.engine.run)
    thread.start()
    try:
        wait_until(lambda: rig.statistics.scans > 0, PATIENCE_S, "the first scan")
    finally:
        rig.engine.stop()
        thread.join()
    assert rig.frame.release_ns % 1_000_000 == 500_000


def kept_payloads(rig: Rig) -> list[bytes]:
    """Return the payloads of all slots of the frame ring."""
    memory = rig.image.section(SectionKind.FRAME)
    ring = SlotRing(memory)
    stride = layout.slot_stride(ring.payload_bytes)
    starts = range(layout.RING_HEADER_BYTES + layout.SLOT_HEADER_BYTES, len(memory), stride)
    return [bytes(memory[start : start + ring.payload_bytes]) for start in starts]


def test_native_code_holds_the_thread_while_it_scans(tmp_path: Path) -> None:
    """The scan thread's only Python frame is the one that called native code, once."""
    rig = Rig(tmp_path)
    calls: list[str] = []

    def count(frame: object, event: str, _argument: object) -> None:
        calls.append(f"{event} {getattr(frame, 'f_code', None)}")

    def scan() -> None:
        sys.setprofile(count)
        try:
            rig.engine.run()
        finally:
            sys.setprofile(None)

    thread = threading.Thread(target=scan)
    thread.start()
    try:
        wait_until(lambda: rig.statistics.scans > 0, PATIENCE_S, "the first scan")
        before = len(calls)
        goal = rig.statistics.scans + 30
        wait_until(lambda: rig.statistics.scans >= goal, PATIENCE_S, "30 scans")
        after = len(calls)
    finally:
        rig.engine.stop()
        thread.join()
    assert after == before
