"""The lease: who may command, until when, and what a command must pass at the last moment."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.cloud.lease import Lease
from gateway.cloud.seam import UplinkError
from gateway.flow.commands import Reason, RefusalError
from gateway.flow.lease import Entry, Seen, Watch, decode
from gateway.store.fence import Fence
from runtime.errors import ImageError, ProjectError
from runtime.image import layout
from runtime.image.commands import Commands, command_lock
from runtime.image.layout import SectionKind
from tests.support.cloud_plant import PlayedPlant, cloud_project
from tests.support.modbus_waiting import until
from tests.support.waiting import wait_until

SECOND = 1_000_000_000
TTL = 8 * SECOND


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cloud.lease.LEASE_RETRY_S", 0.01)


def given(plant: PlayedPlant) -> int:
    """Return how many commands the image was given."""
    queue = plant.image.section(SectionKind.COMMANDS, 0)
    return int.from_bytes(queue[layout.COMMANDS_WRITTEN : layout.COMMANDS_WRITTEN + 8], "little")


class FakeStore:
    """A store of one entry; errors come when they are asked for."""

    def __init__(self) -> None:
        self.seen = Seen(0, None)
        self.is_broken = False
        self.forgets_to_answer = False

    async def connect(self) -> None:
        if self.is_broken:
            raise UplinkError("nobody there")

    async def look(self) -> Seen:
        await self.connect()
        return self.seen

    async def write(self, entry: Entry, revision: int) -> int | None:
        await self.connect()
        if revision != self.seen.revision:
            return None
        self.seen = Seen(revision + 1, entry)
        if self.forgets_to_answer:
            self.forgets_to_answer = False
            raise UplinkError("no answer in time")
        return self.seen.revision

    async def close(self) -> None:
        pass


class Scene:
    """A store, a clock, and gateways that ask for the lease."""

    def __init__(self, image: Path) -> None:
        self.store = FakeStore()
        self.now_ns = 1000 * SECOND
        self.image: Path | None = image

    def lease(self, holder: str) -> Lease:
        return Lease("cloud", self.store, holder, TTL, lambda: self.image, lambda: self.now_ns)

    async def held(self, lease: Lease) -> None:
        """Let time pass until a gateway holds the lease."""
        await until(lambda: self.passes() and lease.is_held, "the lease")

    async def lost(self, lease: Lease) -> None:
        await until(lambda: self.passes() and not lease.is_held, "the end of the lease")

    def passes(self) -> bool:
        self.now_ns += SECOND // 20
        return True


def play(conversation: Callable[[], Awaitable[None]], *leases: Lease) -> None:
    """Run gateways while a conversation lasts."""

    async def run() -> None:
        tasks = [asyncio.create_task(lease.run()) for lease in leases]
        try:
            await asyncio.wait_for(conversation(), 30)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    asyncio.run(run())


# -- when it may be taken -----------------------------------------------------------------------
def test_an_entry_is_read_as_it_was_written() -> None:
    entry = Entry("a", 7, 5 * SECOND)
    assert decode(entry.encode()) == entry
    for content in (b"", b"7", b'{"holder": "a"}', b'{"holder": 1, "token": 1, "ttl_ms": 1}'):
        assert decode(content) is None


def test_a_lease_is_free_when_its_revision_stood_still_for_its_time_and_a_grace() -> None:
    watch, held = Watch(TTL), Entry("other", 3, 16 * SECOND)
    assert not watch.is_free(Seen(5, held), 0)
    assert not watch.is_free(Seen(5, held), 17 * SECOND)
    assert not watch.is_free(Seen(6, held), 18 * SECOND)  # renewed
    assert not watch.is_free(Seen(6, held), 35 * SECOND)
    assert watch.is_free(Seen(6, held), 36 * SECOND)


def test_a_lease_that_was_given_back_is_free_at_once_and_one_that_is_absent_later() -> None:
    assert Watch(TTL).is_free(Seen(5, Entry("", 3, TTL)), 0)
    watch = Watch(TTL)
    assert not watch.is_free(Seen(0, None), 0)
    assert watch.is_free(Seen(0, None), 9 * SECOND)


# -- who has it ---------------------------------------------------------------------------------
def test_one_gateway_holds_the_lease_and_gives_it_back_when_it_stops(plant: PlayedPlant) -> None:
    scene = Scene(plant.image.path)
    first, second = scene.lease("first"), scene.lease("second")

    async def conversation() -> None:
        await scene.held(first)
        await asyncio.wait_for(first.opened(), 30)
        assert not second.is_held

    play(conversation, first)
    assert scene.store.seen.entry == Entry("", 1, TTL)

    async def afterwards() -> None:
        await until(lambda: second.is_held, "the lease without any time passing")

    play(afterwards, second)
    assert (second.counters.token, Fence(plant.image.path).token()) == (2, 2)


def test_a_holder_whose_server_is_away_stops_commanding_at_the_end_of_its_time(
    plant: PlayedPlant,
) -> None:
    scene = Scene(plant.image.path)
    lease = scene.lease("first")

    async def conversation() -> None:
        await scene.held(lease)
        end_ns = scene.now_ns + TTL
        scene.store.is_broken = True
        waiting = asyncio.create_task(lease.closed())
        await scene.lost(lease)
        assert scene.now_ns <= end_ns
        with pytest.raises(RefusalError, match="not ours any more") as refused:
            lease.check(plant.image.path)
        assert refused.value.reason is Reason.SUPERSEDED
        waiting.cancel()

    play(conversation, lease)


def test_a_renewal_whose_answer_was_lost_is_found_again(plant: PlayedPlant) -> None:
    scene = Scene(plant.image.path)
    lease = scene.lease("first")

    async def conversation() -> None:
        await scene.held(lease)
        scene.store.forgets_to_answer = True
        revision = scene.store.seen.revision
        await until(lambda: scene.passes() and scene.store.seen.revision > revision + 1, "renewals")
        assert lease.is_held

    play(conversation, lease)
    assert (lease.counters.taken, lease.counters.lost) == (1, 0)


def test_a_gateway_without_an_image_leaves_the_lease_to_others(plant: PlayedPlant) -> None:
    scene = Scene(plant.image.path)
    lease = scene.lease("first")

    async def conversation() -> None:
        await scene.held(lease)
        scene.image = None
        await until(lambda: scene.store.seen.entry == Entry("", 1, TTL), "giving back")
        assert not lease.is_held

    play(conversation, lease)


# -- the last moment ----------------------------------------------------------------------------
def test_an_older_token_does_not_pass_where_a_newer_one_did(plant: PlayedPlant) -> None:
    scene = Scene(plant.image.path)
    lease = scene.lease("first")

    async def conversation() -> None:
        await scene.held(lease)
        lease.check(plant.image.path)
        Fence(plant.image.path).raise_to(2)
        with pytest.raises(RefusalError, match="token 2 was let through: expected 1"):
            lease.check(plant.image.path)

    play(conversation, lease)
    with pytest.raises(ImageError, match="token 2 came before token 1"):
        Fence(plant.image.path).raise_to(1)


def test_tokens_go_on_although_the_store_has_forgotten_them(plant: PlayedPlant) -> None:
    Fence(plant.image.path).raise_to(41)
    scene = Scene(plant.image.path)
    lease = scene.lease("first")
    play(lambda: scene.held(lease), lease)
    assert Fence(plant.image.path).token() == 42


def _command_and_freeze(plant: PlayedPlant) -> None:
    """Be an old gateway that is stopped between the last look at the token and its command."""
    symbol = plant.image.directory.symbols[0]
    Commands(plant.image, lambda: os.kill(os.getpid(), signal.SIGSTOP)).write(symbol, 5)


def test_no_token_is_raised_past_a_gateway_frozen_inside_its_command(plant: PlayedPlant) -> None:
    process = multiprocessing.get_context("fork").Process(target=_command_and_freeze, args=(plant,))
    process.start()
    assert process.pid is not None
    try:
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        with pytest.raises(ImageError, match="another process commands at this moment"):
            Fence(plant.image.path).raise_to(2)
        assert given(plant) == 0
        os.kill(process.pid, signal.SIGCONT)
        wait_until(lambda: given(plant) == 1, 10, "the old command")
        wait_until(lambda: process.exitcode is not None, 10, "its end")
        Fence(plant.image.path).raise_to(2)  # the new gateway begins after it
    finally:
        process.kill()
        process.join()


def test_what_the_last_look_refuses_does_not_enter_the_image(plant: PlayedPlant) -> None:
    def refuse() -> None:
        raise RefusalError(Reason.SUPERSEDED, "no")

    with pytest.raises(RefusalError):
        Commands(plant.image, refuse).write(plant.image.directory.symbols[0], 5)
    assert given(plant) == 0
    with command_lock(plant.image.path, is_patient=False):
        pass  # and the lock is free again


def test_a_fence_that_is_none_is_told(plant: PlayedPlant) -> None:
    fence = Fence(plant.image.path)
    fence.path.write_bytes(b"abc")
    with pytest.raises(ImageError, match="3 bytes; expected 8"):
        fence.token()


# -- takt.toml ----------------------------------------------------------------------------------
def test_the_lease_names_an_uplink_that_can_keep_it(tmp_path: Path) -> None:
    toml = '[lease]\nuplink = "m"\n[[uplink]]\nname = "m"\nkind = "mqtt"\n'
    expected = r"lease.uplink = 'm': expected an \[\[uplink\]\] of kind jetstream \(none"
    with pytest.raises(ProjectError, match=expected):
        cloud_project(tmp_path, toml)
