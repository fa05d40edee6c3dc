"""The queue before the uplinks: what it hands out, and what it does when the disk fails it."""

import asyncio
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from gateway.store import queue, sqlite
from gateway.store.lanes import Group, Lane
from gateway.store.outbox import Caps
from gateway.store.queue import Store
from tests.support.samples import ROOMY, StandingClocks, report, until


def make_store(path: Path, caps: Caps = ROOMY, *uplinks: str) -> Store:
    clocks = StandingClocks().clocks()
    return Store(path, caps, clocks, uplinks or ("a",), project="plant", linger_s=0)


@asynccontextmanager
async def running(store: Store) -> AsyncIterator[None]:
    """Run a store to the end of the block."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(store.run())
        await until(lambda: store.state().available)
        try:
            yield
        finally:
            task.cancel()


async def group_of(store: Store, lane: Lane = Lane.LIVE, samples: int = 1000) -> Group:
    """Wait for the next group of the uplink `a`."""
    found: list[Group] = []
    for _ in range(5_000):
        group = await store.next_group("a", lane, samples)
        if group is not None:
            found.append(group)
            break
        await asyncio.sleep(0.002)
    assert found, f"nothing came in the lane {lane}"
    return found[0]


def ranges(group: Group) -> list[tuple[int, int]]:
    return [(batch.first, batch.end) for batch in group.batches]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "outbox.db"


def test_samples_come_out_numbered_when_they_are_safe(path: Path) -> None:
    async def run() -> None:
        store = make_store(path)
        async with running(store):
            store.put("run", [report(1, 3), report(2, 3)])
            assert store.state().head == 1
            group = await group_of(store)
            assert ranges(group) == [(1, 7)]
            assert group.stream == store.state().stream
            store.acknowledge(group)
            assert await store.next_group("a", Lane.LIVE, 10) is None
            await until(lambda: store.state().kept_bytes == 0)

    asyncio.run(run())


def test_what_was_put_before_the_end_is_stored_at_the_end(path: Path) -> None:
    async def first() -> None:
        store = make_store(path)
        async with running(store):
            store.put("run", [report(1, 3)])
            store.put("next run", [report(2, 3)])

    async def second() -> list[tuple[int, int]]:
        store = make_store(path)
        async with running(store):
            return ranges(await group_of(store))

    asyncio.run(first())
    assert asyncio.run(second()) == [(1, 4), (4, 7)]


def test_each_start_of_the_runtime_has_batches_of_its_own(path: Path) -> None:
    async def run() -> None:
        store = make_store(path)
        async with running(store):
            store.put("one", [report(1)])
            store.put("two", [report(1), report(2)])
            await until(lambda: store.state().head == 4)
            assert ranges(await group_of(store)) == [(1, 2), (2, 4)]

    asyncio.run(run())


def test_a_split_gives_the_old_to_the_backlog_and_the_new_to_the_live_lane(path: Path) -> None:
    async def run() -> None:
        store = make_store(path)
        async with running(store):
            store.put("run", [report(1, 5)])
            await until(lambda: store.state().head == 6)
            await store.split("a")
            store.put("run", [report(2, 5)])
            assert ranges(await group_of(store)) == [(6, 11)]
            old = await group_of(store, Lane.BACKLOG)
            assert ranges(old) == [(1, 6)]
            store.acknowledge(old)
            assert await store.next_group("a", Lane.BACKLOG, 10) is None

    asyncio.run(run())


def test_what_the_peer_says_it_has_is_not_sent_again(path: Path) -> None:
    async def run() -> None:
        store = make_store(path)
        async with running(store):
            for head in (6, 11, 16):
                store.put("run", [report(1, 5)])
                await until(partial(is_at, store, head))
            await store.has_until(
                "a", Lane.BACKLOG, 11
            )  # there is no backlog: it is of another time
            await store.has_until("a", Lane.LIVE, 11)
            assert ranges(await group_of(store)) == [(11, 16)]
            await store.has_until("a", Lane.LIVE, 6)  # older than what is acknowledged
            assert ranges(await group_of(store)) == [(11, 16)]

    asyncio.run(run())


def is_at(store: Store, head: int) -> bool:
    return store.state().head == head


@contextmanager
def full_disk() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_keeps_samples_in_memory_until_it_takes_them(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "OUTBOX_RETRY_S", 0.01)

    async def run() -> None:
        store = make_store(path)
        async with running(store):
            with full_disk():
                store.put("run", [report(1, 500)])
                await until(lambda: not store.state().available)
                assert (store.state().waiting, store.state().head) == (500, 1)
            assert ranges(await group_of(store)) == [(1, 501)]
            assert store.state().losses == {}

    asyncio.run(run())


def test_memory_is_bounded_and_its_losses_are_counted_and_seen_as_a_gap(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "OUTBOX_RETRY_S", 0.01)
    monkeypatch.setattr(queue, "OUTBOX_WAITING_SAMPLES_MAX", 1000)

    async def run() -> None:
        store = make_store(path)
        async with running(store):
            with full_disk():
                for cycle in range(5):
                    store.put("run", [report(cycle, 500)])
                    await until(lambda: not store.state().available)
            group = await group_of(store)
            assert ranges(group)[0][0] == 1501
            assert store.state().losses == {("a", "memory"): 1500}

    asyncio.run(run())


def test_a_file_damaged_before_the_start_is_set_aside(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database at all" * 500)

    async def run() -> None:
        store = make_store(path)
        async with running(store):
            store.put("run", [report(1)])
            assert ranges(await group_of(store)) == [(1, 2)]
            assert store.state().set_aside == 1

    asyncio.run(run())
    assert path.with_name("outbox.db.damaged-1").read_bytes().startswith(b"not a database")


def test_a_file_damaged_under_way_is_set_aside_and_what_it_owed_is_counted(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "OUTBOX_RETRY_S", 0.01)
    monkeypatch.setattr(queue, "OUTBOX_RECENT_BYTES", 0)
    monkeypatch.setattr(sqlite, "_SETTINGS", (*sqlite._SETTINGS, "cache_size = 1"))

    async def run() -> None:
        store = make_store(path)
        async with running(store):
            for cycle in range(40):
                store.put("run", [report(cycle, 500)])
                await until(lambda: store.state().waiting == 0)
            await until(lambda: store.state().head == 20_001)
            stream = store.state().stream
            damage(path)
            while store.state().stream in {stream, ""}:
                await store.next_group("a", Lane.LIVE, 100_000)
                store.put("run", [report(1, 1)])
                await asyncio.sleep(0.01)
            assert store.state().set_aside == 1
            await until(lambda: store.state().losses.get(("a", "corrupt"), 0) >= 20_000)

    asyncio.run(run())


def test_an_old_copy_of_the_file_gives_no_number_out_twice(path: Path) -> None:
    async def run() -> None:
        store = make_store(path)
        async with running(store):
            store.put("run", [report(1, 5)])
            await until(lambda: store.state().head == 6)
            stream = store.state().stream
            await store.has_until("a", Lane.LIVE, 100)
            await until(lambda: store.state().stream not in {stream, ""})
            assert (store.state().set_aside, store.state().head) == (1, 1)
            assert store.state().losses == {("a", "corrupt"): 5}

    asyncio.run(run())


def damage(path: Path) -> None:
    """Overwrite every page of a database and its log but the first."""
    for file in (path, path.with_name(path.name + "-wal")):
        size = file.stat().st_size
        with file.open("r+b") as raw:
            raw.seek(4096)
            raw.write(b"\x5a" * max(size - 4096, 0))
