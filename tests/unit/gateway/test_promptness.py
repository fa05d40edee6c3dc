"""What the gateway asks of the kernel and of Python's memory so that its loop answers soon."""

import gc
import os
from concurrent.futures import ThreadPoolExecutor

from gateway.field.promptness import ask_for_short_slices, freeze_objects


def asked() -> tuple[bool, int, int]:
    """Ask, in a thread of its own; return what came of it, policy and niceness."""
    done = ask_for_short_slices()
    return done, os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0)


def test_short_slices_need_no_privilege_and_change_neither_policy_nor_niceness() -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asked).result() == (True, os.SCHED_OTHER, before)


def test_a_collection_passes_over_frozen_objects_and_new_garbage_is_still_found() -> None:
    kept: list[list[object]] = [[] for _ in range(1000)]
    try:
        freeze_objects()

        assert gc.get_freeze_count() >= len(kept)
        assert not any(each is kept for each in gc.get_objects())
        circle: list[object] = []
        circle.append(circle)
        del circle
        assert gc.collect() >= 1
    finally:
        gc.unfreeze()
