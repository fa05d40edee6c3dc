"""The PLCs of a fleet over their restarts: orders to some of them, while the others run.

The main thread carries orders out, for a few PLCs at a time, so that with an order to all of them
each stands hardly longer than with one to itself.
"""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from runtime.app.control import ControlServer
from runtime.app.flight_recorder import FlightRecorder
from runtime.app.restart import Past
from runtime.engine import plan
from runtime.engine.fleet import ORDER_PLCS, Fleet, Plc
from runtime.engine.modes import Happening, after
from runtime.image.layout import Mode
from runtime.image.orders import ALL, Addressed, Answer, Order, Restart, Switch, chosen, refusal

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Member:
    """One PLC of a fleet."""

    plc: Plc
    past: Past
    stands: bool = False
    """Whether it was stopped by an order."""
    told: int = 0
    """How many of its faults the log knows."""
    recorder: FlightRecorder = field(init=False)
    """Writes their reports."""

    def __post_init__(self) -> None:
        """Let it note what reports tell of; no scan has run."""
        self._note()

    def _note(self) -> None:
        plc = self.plc
        self.recorder = FlightRecorder(plc.project, plc.program, plc, alone=False)

    @property
    def name(self) -> str:
        """The project's, or the instance's."""
        return self.plc.project.config.project.name

    @property
    def mode(self) -> Mode:
        """What it does."""
        return self.plc.image.mode

    @property
    def has_faulted(self) -> bool:
        """Whether a task of it has, since it began or was restarted."""
        return self.plc.faulted > 0

    def look(self, *, reports: bool = True) -> int:
        """Tell of fresh faults; let the heart beat where no task is left to do so.

        Args:
            reports: Whether faults have a report besides their line in the log.

        Returns:
            How many faults are new.
        """
        fresh = self.recorder.fresh_faults() if self.plc.faulted > self.told else ()
        for fault in fresh:
            facts = {"plc": self.name} | fault.facts
            logger.error("%s: fault: %s", self.name, fault, extra=facts)
            file = self.recorder.write(fault, time.time_ns()) if reports else None
            if file is not None:
                who = {"plc": self.name, "task": fault.task}
                logger.info("report of the fault", extra=who | {"file": str(file)})
        self.told += len(fresh)
        if self.plc.is_over or self.stands:
            self.plc.image.runtime_heartbeat_ns = time.monotonic_ns()
        return len(fresh)

    def begin_again(self, kind: Restart) -> None:
        """Make it ready for its next run, while it is withdrawn."""
        plc = self.plc
        cycle = plc.memory.job_word(0, plan.JOB_CYCLE)
        stood = self.stands or self.has_faulted
        program = self.past.next_run(kind, cycle, stood=stood)
        plc.begin_again(program, whole=kind is Restart.HOT)
        plc.image.mode = after(plc.image.mode, Happening.PREPARED)
        self.stands, self.told = False, 0
        self._note()


@dataclass(frozen=True, slots=True)
class Group:
    """The PLCs of one project, and what takes orders to them."""

    control: ControlServer
    members: tuple[Member, ...]

    def obey(self, fleet: Fleet) -> None:
        """Carry out the order that waits; without one do nothing."""
        asked = self.control.addressed
        if asked is not None:
            self.control.answer(carry_out(asked, self.members, fleet))


def refused(asked: Addressed, members: Sequence[Member]) -> str | None:
    """Return why an order to the PLCs of a project cannot be carried out, None where it can."""
    named = chosen(asked.instance, [member.name for member in members])
    if isinstance(named, str):
        return named
    found = [refusal(asked.order, member.mode) for member in members if member.name in named]
    return found[0] if all(found) else None


def carry_out(asked: Addressed, members: Sequence[Member], fleet: Fleet) -> Answer:
    """Do what is asked with those of a project's PLCs that it is for; return what was done."""
    if reason := refused(asked, members):
        return {"error": reason}
    named = set(chosen(asked.instance, [member.name for member in members]))
    meant = [
        member
        for member in members
        if member.name in named and refusal(asked.order, member.mode) is None
    ]
    modes = Counter(member.mode.name for member in meant)
    counted = ", ".join(f"{count} {name}" for name, count in modes.items())
    before = counted if asked.instance == ALL else ", ".join(modes)
    longest_ns = 0
    for first in range(0, len(meant), ORDER_PLCS):
        begun_ns = time.monotonic_ns()
        _do(asked.order, meant[first : first + ORDER_PLCS], fleet)
        longest_ns = max(longest_ns, time.monotonic_ns() - begun_ns)
    facts: dict[str, object] = {"before": before}
    if asked.order is Switch.STOP:
        facts = {"stopped": True} | facts
    else:
        facts = {"restarted": _kind(asked.order).value} | facts
        facts["stood_ms"] = round(longest_ns / 1e6, 1)
    if asked.instance == ALL:
        facts["plcs"] = len(meant)
    elif asked.order is not Switch.STOP:
        facts["frame"] = meant[0].past.frames_before
    who = {"plc": asked.instance or meant[0].name}
    logger.info("%s: %s by an order", who["plc"], next(iter(facts)), extra=who | facts)
    return facts


def _kind(order: Order) -> Restart:
    """Return which restart an order is: a stopped PLC goes on by a hot one."""
    return Restart.HOT if isinstance(order, Switch) else order


def _do(order: Order, members: Sequence[Member], fleet: Fleet) -> None:
    """Stop some PLCs, or let them begin again."""
    plcs = [member.plc for member in members]
    running = [member.plc for member in members if not member.stands]
    hold = order is Restart.HOT
    fleet.withdraw(running, hold=hold)
    for member in members:
        member.look()
        if order is Switch.STOP:
            member.plc.image.mode = after(member.mode, Happening.STOPPED)
            member.stands = True
        else:
            member.begin_again(_kind(order))
    if order is not Switch.STOP:
        fleet.admit(plcs)
