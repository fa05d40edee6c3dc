"""The checks: each looks at one property of the host and says what it found, costs, and mends.

A check is a function `(Host, Wishes) -> Verdict`; `CHECKS` lists them in the order of the report.
The costs are orders of magnitude on industrial PCs; `takt doctor --measure` shows the sum of them
on this one.
"""

import enum
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from runtime.app.doctor.host import Host, parse_cpus
from runtime.errors import TaktError

_MEMLOCK_NEEDED: Final = 512 << 20
"""Bytes that a runtime with LLVM in it maps."""
_SLOW_CLOCK_NS: Final = 300
_DEEP_SLEEP_US: Final = 20


class Grade(enum.StrEnum):
    """How a property stands to punctuality."""

    GOOD = "ok"
    NOTE = "note"
    """It costs something, or only matters for some uses."""
    BAD = "bad"
    """It costs what a PLC is expected to keep."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a project asks of the host; the default asks what `takt.toml` asks by default."""

    priority: int = 80
    cpu: int | None = None
    lock_memory: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check says."""

    name: str
    grade: Grade
    found: str
    costs: str = ""
    mend: str = ""


Check = Callable[[Host, Wishes], Verdict]


def examine(host: Host, wishes: Wishes) -> tuple[Verdict, ...]:
    """Return what every check says, in the order of the report.

    Raises:
        TaktError: The project names a processor that the host has not got.
    """
    if wishes.cpu is not None and wishes.cpu not in host.processors:
        known = ", ".join(str(cpu) for cpu in sorted(host.processors))
        raise TaktError(f"runtime.cpu = {wishes.cpu}: not on this host; expected one of {known}")
    return tuple(check(host, wishes) for check in CHECKS)


def _preemption(host: Host, _: Wishes) -> Verdict:
    name = "kernel preemption"
    if host.line("sys/kernel/realtime") == "1" or "PREEMPT_RT" in host.release:
        return Verdict(name, Grade.GOOD, "PREEMPT_RT")
    chosen = re.search(r"\((\w+)\)", host.line("sys/kernel/debug/sched/preempt") or "")
    mode = chosen[1] if chosen else host.command_line().get("preempt")
    if mode is None:
        mode = "dynamic, mode not told" if "PREEMPT_DYNAMIC" in host.release else "none told"
    full = mode == "full" or (" PREEMPT " in f"{host.release} " and mode == "none told")
    return Verdict(
        name,
        Grade.NOTE if full else Grade.BAD,
        "full, not PREEMPT_RT" if full else mode,
        "kernel sections hold a wake-up back: some 100 µs now and then, a few ms at worst",
        "a PREEMPT_RT kernel (Debian: linux-image-rt-amd64); else boot with preempt=full",
    )


def _governor(host: Host, _: Wishes) -> Verdict:
    name = "frequency governor"
    files = host.paths("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor")
    governors = {text for path in files if (text := host.line(str(path.relative_to(host.root))))}
    if not governors:
        return Verdict(name, Grade.GOOD, "no frequency scaling here")
    if governors == {"performance"}:
        return Verdict(name, Grade.GOOD, "performance")
    return Verdict(
        name,
        Grade.BAD,
        ", ".join(sorted(governors)),
        "a scan begins at a low clock: two to four times longer, changes of clock 10 to 50 µs",
        "cpupower frequency-set --governor performance",
    )


def _isolation(host: Host, wishes: Wishes) -> Verdict:
    name = "isolated processors"
    isolated = host.cpu_set("sys/devices/system/cpu/isolated")
    found = ", ".join(str(cpu) for cpu in sorted(isolated)) or "none"
    costs = "other work shares the scan's processor: 10 to 100 µs of caches and queues at p99.9"
    if isolated and wishes.cpu is None:
        mend = f"[runtime] cpu = {min(isolated)}, so that the scan uses the processor set apart"
        return Verdict(name, Grade.NOTE, found, costs, mend)
    if wishes.cpu is not None and wishes.cpu in isolated:
        return Verdict(name, Grade.GOOD, found)
    last = max(host.processors)
    options = f"isolcpus=managed_irq,domain,{last} nohz_full={last} rcu_nocbs={last}"
    mend = f"boot with {options}; [runtime] cpu = {last}"
    if len(host.processors) == 1:
        mend = "a host with two processors or more"
    return Verdict(name, Grade.NOTE, found, costs, mend)


def _interrupts(host: Host, wishes: Wishes) -> Verdict:
    name = "interrupt affinity"
    if wishes.cpu is None:
        return Verdict(
            name,
            Grade.NOTE,
            "the scan is not bound to a processor",
            "interrupts of network and disk meet the scan: 5 to 50 µs each",
            "[runtime] cpu = N, then keep the interrupts away from it",
        )
    sharing = []
    for path in host.paths("proc/irq/[0-9]*/smp_affinity_list"):
        relative = path.relative_to(host.root)
        if wishes.cpu in parse_cpus(host.line(str(relative)) or ""):
            sharing.append(path.parent.name)
    if not sharing:
        return Verdict(name, Grade.GOOD, f"none may come to processor {wishes.cpu}")
    others = ",".join(str(cpu) for cpu in sorted(host.processors - {wishes.cpu})) or "another"
    return Verdict(
        name,
        Grade.NOTE,
        f"{len(sharing)} may come to processor {wishes.cpu}",
        "an interrupt during a scan: 5 to 50 µs each",
        f"boot with irqaffinity={others}, or write {others} to /proc/irq/*/smp_affinity_list",
    )


def _priority(host: Host, wishes: Wishes) -> Verdict:
    name = "real-time priority"
    if wishes.priority == 0:
        return Verdict(
            name,
            Grade.NOTE,
            "not asked for ([runtime] realtime_priority = 0)",
            "every other thread delays the scan: 50 µs to some ms under load",
            "[runtime] realtime_priority = 80",
        )
    limits = host.limits
    if "CAP_SYS_NICE" in limits.capabilities or limits.rtprio == -1:
        return Verdict(name, Grade.GOOD, "any")
    if limits.rtprio >= wishes.priority:
        return Verdict(name, Grade.GOOD, f"up to {limits.rtprio}")
    return Verdict(
        name,
        Grade.BAD,
        f"up to {limits.rtprio}, the project asks for {wishes.priority}",
        "every other thread delays the scan: 50 µs to some ms under load",
        f"LimitRTPRIO={wishes.priority} in the systemd unit, or rtprio in limits.conf",
    )


def _throttling(host: Host, _: Wishes) -> Verdict:
    name = "real-time throttling"
    share = host.number("proc/sys/kernel/sched_rt_runtime_us")
    period = host.number("proc/sys/kernel/sched_rt_period_us") or 1_000_000
    if share is None or share == -1:
        return Verdict(name, Grade.GOOD, "off" if share == -1 else "not told")
    return Verdict(
        name,
        Grade.NOTE,
        f"{share} of {period} µs",
        f"a task that never waits stands still for {(period - share) / 1000:g} ms in each period",
        "leave it, unless a task fills a processor: sysctl kernel.sched_rt_runtime_us=-1",
    )


def _memory(host: Host, wishes: Wishes) -> Verdict:
    name = "locked memory"
    limits = host.limits
    free = "CAP_IPC_LOCK" in limits.capabilities or limits.memlock_bytes == -1
    if not wishes.lock_memory:
        return Verdict(
            name,
            Grade.NOTE,
            "not asked for ([runtime] lock_memory = false)",
            "a page that was put away costs 100 µs to 10 ms to bring back",
            "[runtime] lock_memory = true",
        )
    if free or limits.memlock_bytes >= _MEMLOCK_NEEDED:
        return Verdict(name, Grade.GOOD, "allowed")
    return Verdict(
        name,
        Grade.NOTE,
        f"{limits.memlock_bytes >> 10} KiB: image and state only",
        "a page of code that was put away costs 100 µs to 10 ms to bring back",
        "LimitMEMLOCK=infinity in the systemd unit",
    )


def _swap(host: Host, _: Wishes) -> Verdict:
    areas = [line.split()[0] for line in host.lines("proc/swaps")[1:] if line.split()]
    if not areas:
        return Verdict("swap", Grade.GOOD, "none")
    return Verdict(
        "swap",
        Grade.NOTE,
        ", ".join(areas),
        "no cost to locked memory; the gateway may wait for the disk for 10 ms and more",
        "swapoff -a, and remove it from /etc/fstab",
    )


def _huge_pages(host: Host, _: Wishes) -> Verdict:
    name = "transparent huge pages"
    chosen = re.search(r"\[(\w+)\]", host.line("sys/kernel/mm/transparent_hugepage/enabled") or "")
    if chosen is None or chosen[1] != "always":
        return Verdict(name, Grade.GOOD, chosen[1] if chosen else "none here")
    return Verdict(
        name,
        Grade.NOTE,
        "always",
        "the kernel gathers pages while programs run: stalls of 50 µs to 1 ms",
        "boot with transparent_hugepage=madvise",
    )


def _clock(host: Host, _: Wishes) -> Verdict:
    name = "clock source"
    source = host.line("sys/devices/system/clocksource/clocksource0/current_clocksource")
    found = f"{source or 'not told'}, {host.clock_reading_ns:.0f} ns a reading"
    if host.clock_reading_ns < _SLOW_CLOCK_NS:
        return Verdict(name, Grade.GOOD, found)
    return Verdict(
        name,
        Grade.BAD,
        found,
        "each reading is a system call: some µs a scan, and more inside a virtual machine",
        "where the processor's tsc is constant: boot with clocksource=tsc tsc=reliable",
    )


def _deep_sleep(host: Host, _: Wishes) -> Verdict:
    name = "deep sleep of processors"
    exits = [
        host.number(str(path.relative_to(host.root))) or 0
        for path in host.paths("sys/devices/system/cpu/cpu0/cpuidle/state*/latency")
    ]
    deepest = max(exits, default=0)
    if deepest <= _DEEP_SLEEP_US:
        return Verdict(name, Grade.GOOD, f"wakes within {deepest} µs" if exits else "none here")
    if host.writable("dev/cpu_dma_latency"):
        return Verdict(name, Grade.GOOD, f"{deepest} µs to wake; the runtime keeps them out of it")
    return Verdict(
        name,
        Grade.BAD,
        f"{deepest} µs to wake, /dev/cpu_dma_latency is closed to us",
        f"a wake-up from idle comes up to {deepest} µs late",
        "let the runtime's user write /dev/cpu_dma_latency, or processor.max_cstate=1",
    )


def _siblings(host: Host, wishes: Wishes) -> Verdict:
    name = "hyper-threading"
    if host.line("sys/devices/system/cpu/smt/active") != "1":
        return Verdict(name, Grade.GOOD, "off, or not there")
    cpu = wishes.cpu or 0
    pair = host.line(f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") or "not told"
    return Verdict(
        name,
        Grade.NOTE,
        f"on; processor {cpu} shares a core ({pair})",
        "the other half of the core slows a scan by 20 to 50 % while it works",
        "boot with nosmt, or leave the scan's sibling idle",
    )


def _quota(host: Host, _: Wishes) -> Verdict:
    name = "processor quota"
    groups = (line[3:] for line in host.lines("proc/self/cgroup") if line.startswith("0::"))
    quota = host.line(f"sys/fs/cgroup{next(groups, '/').rstrip('/')}/cpu.max")
    if quota is None or quota.startswith("max"):
        return Verdict(name, Grade.GOOD, "none")
    return Verdict(
        name,
        Grade.BAD,
        f"{quota} µs (share, period)",
        "the share used up, all but real-time threads stand still to the period's end",
        "no CPUQuota for this service; in containers no cpu limit",
    )


def _machine(host: Host, _: Wishes) -> Verdict:
    name = "virtual machine"
    flags = next((line for line in host.lines("proc/cpuinfo") if line.startswith("flags")), "")
    if " hypervisor" not in flags:
        return Verdict(name, Grade.GOOD, "no")
    fields = (host.line("proc/stat") or "").split()
    total = sum(int(field) for field in fields[1:9]) or 1
    stolen = int(fields[8]) / total if len(fields) > 8 else 0.0  # noqa: PLR2004
    return Verdict(
        name,
        Grade.NOTE,
        f"yes; the host took {stolen:.2%} of the time so far",
        "the host stops this machine at will: some 10 µs often, ms now and then",
        "own processors for it (vCPU pinning), or a host without a hypervisor",
    )


CHECKS: Final[tuple[Check, ...]] = (
    _preemption, _priority, _throttling, _memory, _governor, _deep_sleep, _clock, _isolation,
    _interrupts, _siblings, _huge_pages, _swap, _quota, _machine,
)  # fmt: skip


def worst(verdicts: Iterable[Verdict]) -> Grade:
    """Return the worst grade among verdicts, GOOD where there are none."""
    order = list(Grade)
    return max((verdict.grade for verdict in verdicts), key=order.index, default=Grade.GOOD)
