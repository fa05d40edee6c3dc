"""How many samples a second reach a broker or a database, and how late?

Ours: the whole way of full-rate capture, scan frame to filter to outbox (SQLite, synchronous FULL)
to acknowledgement, in one process. Peer: the bare client library that sends what the outbox holds,
ready made, without storing anything: as fast as that library goes on this machine. Sparkplug's are
messages of a node, one a scan, and acknowledged is what the broker's connection has taken: it has
quality of service 0. HTTP goes to node's server, by lines of JSON.
Goals: 100,000 samples/s a core to JetStream, MQTT and HTTP, 50,000 into PostgreSQL; live samples
acknowledged within 250 ms (p99) while a backlog drains. `--soak 600` watches memory for ten minutes
under a steady load to all of them at once. Peers of Debian: `make packages`.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from report import Goal, Report, Row, parse_options
from uplink_chain import ROOMY, RULE, VALUES, chain, until
from uplink_load import make_load
from uplink_peers import Clients, clients
from uplink_soak import SOAK_S_MAX, soak, soak_length
from uplink_sparkplug import check_equal

from gateway.cloud.sampling import Sampling, SamplingClocks
from gateway.cloud.seam import Peer, SessionPeer
from gateway.cloud.station import system_clocks
from gateway.store.counters import SamplingCounters
from gateway.store.lanes import Group, Lane
from gateway.store.outbox import StoredBatch
from gateway.store.queue import Store

sys.path.insert(0, str(Path(__file__).parents[1]))

GROUP_BATCHES = 10
GOALS = {"JetStream": 100_000, "MQTT": 100_000, "PostgreSQL": 50_000, "HTTP": 100_000}
"""Samples a second."""


@dataclass
class Turn:
    """One measurement."""

    samples_per_s: list[float] = field(default_factory=list)
    cpu_s_per_million: list[float] = field(default_factory=list)
    bytes_per_sample: float = 0.0
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    acknowledged: int = 0


async def ours(folder: Path, peer: Peer, samples: int, turn: Turn) -> None:
    """Measure throughput, then latency at a steady half of it."""
    async with chain(folder, {"up": peer}) as way:
        await way.push(20 * VALUES)
        began, cpu, before = time.monotonic(), time.process_time(), way.acknowledged
        await way.push(samples)
        done = way.acknowledged - before
        turn.samples_per_s.append(done / (time.monotonic() - began))
        turn.cpu_s_per_million.append((time.process_time() - cpu) / done * 1e6)
        turn.bytes_per_sample = way.uplink.counters.bytes / way.acknowledged
        earlier = way.uplink.counters.hops[Lane.LIVE, "total"].copy()
        await way.pace(20_000, 2.0)
        hops = way.uplink.counters.hops[Lane.LIVE, "total"].copy().since(earlier)
        turn.p50_ms.append(hops.percentile(50) / 1e6)
        turn.p99_ms.append(hops.percentile(99) / 1e6)
        turn.acknowledged += way.acknowledged


async def bare(peer: Peer, payloads: Sequence[bytes], samples: int, turn: Turn) -> None:
    """Send ready-made batches by the library alone, in groups of the same size."""
    groups = groups_of(payloads, samples // len(payloads))
    await peer.connect()
    began, cpu = time.monotonic(), time.process_time()
    for group in groups:
        await (await peer.send(group))
    turn.acknowledged += samples
    turn.samples_per_s.append(samples / (time.monotonic() - began))
    turn.cpu_s_per_million.append((time.process_time() - cpu) / samples * 1e6)
    await peer.close()


def groups_of(payloads: Sequence[bytes], per_batch: int) -> list[Group]:
    """Return batches as groups of an outbox of their own."""
    stream = "00000000-0000-4000-8000-" + f"{time.monotonic_ns() % 10**12:012}"
    batches = [
        StoredBatch(1 + n * per_batch, 1 + (n + 1) * per_batch, payload)
        for n, payload in enumerate(payloads)
    ]
    return [
        Group("up", Lane.LIVE, tuple(batches[first : first + GROUP_BATCHES]), (0, 0), stream, 0)
        for first in range(0, len(batches), GROUP_BATCHES)
    ]


async def drain(folder: Path, peer: Peer, backlog: int) -> tuple[float, float]:
    """Return p50 and p99 in ms of live samples while a backlog drains beside them."""
    away = _SessionGate(peer) if isinstance(peer, SessionPeer) else _Gate(peer)
    async with chain(folder, {"up": away}, rate=50_000) as way:
        while way.counters.samples < backlog:
            way.load.scan(20)
            way.sampling.step()
            await asyncio.sleep(0.002)
        await until(lambda: not way.store.state().waiting)
        await asyncio.sleep(2.5)
        away.is_open = True
        await until(lambda: way.uplink.counters.samples[Lane.BACKLOG])
        while way.uplink.counters.samples[Lane.BACKLOG] < backlog // 2:
            way.load.scan(1)
            way.sampling.step()
            await asyncio.sleep(0.05)
        live = way.uplink.counters.hops[Lane.LIVE, "total"].copy()
        return live.percentile(50) / 1e6, live.percentile(99) / 1e6


class _Gate:
    """A peer that is away until it is opened."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.is_open = False
        self.progress, self.send, self.close = peer.progress, peer.send, peer.close

    async def connect(self) -> None:
        if not self.is_open:
            raise ConnectionRefusedError("closed")
        await self._peer.connect()


class _SessionGate(_Gate):
    """The same for a peer with a session."""

    def __init__(self, peer: SessionPeer) -> None:
        super().__init__(peer)
        self.ready, self.ended = peer.ready, peer.ended


async def payloads_of(folder: Path, samples: int) -> list[bytes]:
    """Return the batches that our outbox makes of that many samples."""
    load = make_load(folder / "payloads.image", VALUES)
    store = Store(folder / "payloads.db", ROOMY, system_clocks(), ["none"],
                  project="bench", linger_s=0)  # fmt: skip
    counters = SamplingCounters()
    clocks = SamplingClocks(time.monotonic_ns, time.time_ns)
    sampling = Sampling(load.image, [RULE], store, counters, clocks)
    batches: list[bytes] = []
    async with asyncio.TaskGroup() as group:
        task = group.create_task(store.run())
        while len(batches) * 2 * VALUES < samples:
            load.scan(2)
            sampling.step()
            found = None
            while found is None:
                await asyncio.sleep(0.001)
                found = await store.next_group("none", Lane.LIVE, 2 * VALUES)
            store.acknowledge(found)
            batches += [
                batch.payload for batch in found.batches if batch.end - batch.first == 2 * VALUES
            ]
        task.cancel()
    load.image.close()
    return batches


def main() -> None:
    """Measure in turns and report."""
    question = "How many samples a second reach a broker or a database, and how late?"
    own = argparse.ArgumentParser(add_help=False)
    own.add_argument("--soak", type=soak_length, default=0, metavar="SECONDS",
                     help=f"then watch memory under load, at most {SOAK_S_MAX} s")  # fmt: skip
    report = Report(question, parse_options(question, own))
    soak_s: int = own.parse_known_args()[0].soak
    quick = report.options.quick
    rounds, samples, backlog = (2, 100_000, 200_000) if quick else (4, 400_000, 1_000_000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    with tempfile.TemporaryDirectory(prefix="takt-bench-") as name, clients(Path(name)) as served:
        folder = Path(name)
        payloads = asyncio.run(payloads_of(folder, samples))
        served.publisher.prepare(payloads)
        report.notes.append(told_equal(served, payloads))
        for kind, (mine, alone) in served.pairs.items():
            way, library = Turn(), Turn()
            for _ in range(rounds):
                with report.window():
                    asyncio.run(ours(folder, mine(), samples, way))
                with report.window():
                    asyncio.run(bare(alone(), payloads, len(payloads) * 2 * VALUES, library))
            if kind == "Sparkplug":  # its messages are not those of the outbox
                way.bytes_per_sample = served.publisher.bytes_per_sample
            if kind == "HTTP":
                check_counted(served, way.acknowledged + library.acknowledged)
            add_rows(report, kind, way, library)
        for kind, (mine, _) in served.pairs.items():
            with report.window():
                p50, p99 = asyncio.run(drain(folder, mine(), backlog))
            report.rows.append(
                Row(f"{kind}: live p99 while {backlog} drain", "ms", [p50, p99], value=p99,
                    goal=Goal(value_below=250))
            )  # fmt: skip
        if soak_s:
            peers = {kind: mine() for kind, (mine, _) in served.pairs.items()}
            report.rows += asyncio.run(soak(folder, peers, soak_s))
    report.finish()


def told_equal(served: Clients, payloads: Sequence[bytes]) -> str:
    """Compare what both clients of Sparkplug send; return what was found, for the report."""
    (group, *_) = groups_of(payloads, 2 * VALUES)
    count = asyncio.run(check_equal(served.mqtt_port, served.publisher, group))
    return f"Sparkplug: equal: {count} messages of the same sizes arrived from both"


def check_counted(served: Clients, acknowledged: int) -> None:
    """Compare what was acknowledged over HTTP with what the receiver counted.

    Raises:
        SystemExit: It is not the same.
    """
    counted = served.sink.samples()
    if counted != acknowledged:
        raise SystemExit(f"HTTP: {counted} samples arrived, {acknowledged} were acknowledged")


def add_rows(report: Report, kind: str, way: Turn, library: Turn) -> None:
    """Add what was measured of one kind of uplink."""
    a_core = [1e6 / value for value in way.cpu_s_per_million]
    goal = Goal(value_at_least=GOALS[kind]) if kind in GOALS else None
    report.rows += [
        Row(f"{kind}: samples/s", "1/s", way.samples_per_s, "library alone",
            library.samples_per_s, goal),
        Row(f"{kind}: samples/s a core", "1/s", a_core, "library alone",
            [1e6 / value for value in library.cpu_s_per_million]),
        Row(f"{kind}: CPU-s a million", "s", way.cpu_s_per_million, "library alone",
            library.cpu_s_per_million),
        Row(f"{kind}: bytes a sample", "B", [way.bytes_per_sample]),
        Row(f"{kind}: p50 at 20,000/s", "ms", way.p50_ms),
        Row(f"{kind}: p99 at 20,000/s", "ms", way.p99_ms),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
