"""Each request to the machine is answered in plain words, and a refusal does no harm."""

import os
import subprocess
import sys
import threading

from runtime.engine import realtime
from runtime.engine.realtime import Grant


def in_a_thread(request: object) -> Grant:
    answers: list[Grant] = []
    assert callable(request)
    thread = threading.Thread(target=lambda: answers.append(request()))
    thread.start()
    thread.join()
    return answers[0]


def test_a_processor_that_is_not_there_is_refused_and_the_allowed_ones_named() -> None:
    grant = in_a_thread(lambda: realtime.pin_to(1023))
    assert not grant.granted
    assert "expected one of" in grant.detail


def test_pinning_concerns_the_calling_thread_only() -> None:
    before = os.sched_getaffinity(0)
    assert in_a_thread(lambda: realtime.pin_to(min(before))).granted
    assert os.sched_getaffinity(0) == before


def test_timer_slack_is_granted_to_anyone() -> None:
    assert in_a_thread(realtime.sharpen_timers).granted


def test_a_priority_of_the_scan_thread_leaves_the_process_at_normal() -> None:
    in_a_thread(lambda: realtime.schedule_fifo(1))
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_without_privilege_requests_are_refused_with_what_would_help() -> None:
    script = (
        "import os, resource; from runtime.engine import realtime;"
        "resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0));"
        "resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0));"
        "os.getuid() == 0 and os.setuid(65534);"
        "print(realtime.schedule_fifo(50)); print(realtime.lock_memory([(4096, 4096)]));"
        "realtime.AwakeProcessor().close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    priority, memory = done.stdout.splitlines()
    assert priority.startswith("SCHED_FIFO priority 50 for the scan thread: refused")
    assert "CAP_SYS_NICE" in priority
    assert memory.startswith("image and state locked in memory: refused")


def test_a_grant_reads_as_a_sentence() -> None:
    assert str(Grant("a wish", granted=True)) == "a wish: granted"
    assert str(Grant("a wish", granted=False, detail="why")) == "a wish: refused (why)"
