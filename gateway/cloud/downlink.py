"""The down-link of one uplink: commands arrive, are judged, carried out in turn, and answered.

    message ─► parse ─► id, allow-list ─► (token) ─► audit ─► command ring ─► frame ─► answer

What a command will do is in the audit log before the image has it: none can take effect unseen.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.cloud.desk import Checked, CommandDesk
from gateway.cloud.ending import first_of, stop_if_cancelled
from gateway.cloud.seam import UplinkError
from gateway.config import (
    COMMAND_BURST_S,
    COMMAND_QUEUE,
    COMMAND_RATE,
    RECONNECT_FACTOR,
    RECONNECT_FIRST_S,
    RECONNECT_MAX_S,
)
from gateway.flow.command_rules import AllowList, Tokens
from gateway.flow.commands import (
    Command,
    Confirmation,
    Moment,
    Reason,
    RefusalError,
    id_of,
    parse_command,
)
from gateway.flow.rate import RateLimit
from gateway.store.counters import CommandCounters
from runtime.datatypes.values import Json
from runtime.project.uplinks import CommandRule

_LOG: Final = logging.getLogger("gateway.cloud")
Answer = dict[str, Json | None]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as it arrived."""

    payload: bytes
    reply_to: str = ""
    """Where its sender waits for the answer, beside the place of all answers."""
    is_retained: bool = False


class CommandLink(Protocol):
    """A connection that commands come by. After an error it is closed and made anew.

    Every method but `close` may raise `UplinkError`, `OSError` or `TimeoutError`.
    """

    async def connect(self) -> None:
        """Connect and subscribe."""

    async def listen(self, take: Callable[[Incoming], None]) -> None:
        """Hand over what arrives; never returns, raises when the connection ends."""

    async def answer(self, to: Incoming, answer: Answer) -> None:
        """Publish an answer."""

    async def close(self) -> None:
        """End the connection, whatever its state; never raises."""


class Downlink:
    """Takes commands until cancelled."""

    def __init__(
        self,
        name: str,
        link: CommandLink,
        rules: Sequence[CommandRule],
        desk: CommandDesk,
        timeout_s: float,
    ) -> None:
        """Take the rules of the uplink of that name; nothing is connected yet."""
        self.name, self.counters = name, CommandCounters()
        self._link, self._desk, self._timeout_s = link, desk, timeout_s
        self._allowed = AllowList(rules)
        self._tokens = Tokens(desk.times.make_token)
        self._rate = RateLimit(COMMAND_RATE, COMMAND_BURST_S)
        self._waiting: asyncio.Queue[tuple[Incoming, Moment]] = asyncio.Queue(COMMAND_QUEUE)
        self._last_error = ""

    async def run(self) -> None:
        """Listen and carry out, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_listening())
            group.create_task(self._work())

    # -- the connection -------------------------------------------------------------------------
    async def _keep_listening(self) -> None:
        wait_s = RECONNECT_FIRST_S
        while True:
            try:
                await self._desk.gate.opened()
                async with asyncio.timeout(self._timeout_s):
                    await self._link.connect()
                self.counters.is_listening = True
                self._last_error, wait_s = "", RECONNECT_FIRST_S
                _LOG.info("uplink %s: takes commands", self.name, extra={"uplink": self.name})
                await first_of(self._link.listen(self._take), self._desk.gate.closed())
            except (UplinkError, OSError, TimeoutError) as error:
                self._note(str(error) or "no answer in time")
            finally:
                self.counters.is_listening = False
                await self._link.close()
            stop_if_cancelled()
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * RECONNECT_FACTOR, RECONNECT_MAX_S)

    def _note(self, text: str) -> None:
        if text != self._last_error:
            _LOG.warning("uplink %s: commands: %s", self.name, text, extra={"uplink": self.name})
        self._last_error = text

    def _take(self, message: Incoming) -> None:
        """Put a message behind those that wait; its time runs from now."""
        try:
            self._waiting.put_nowait((message, self._desk.times.now()))
        except asyncio.QueueFull:
            self.counters.outcomes["dropped"] += 1
            self._note(f"{COMMAND_QUEUE} wait already, more are dropped")

    async def _work(self) -> None:
        while True:
            message, arrived = await self._waiting.get()
            answer = await self._judge(message, arrived)
            if answer["outcome"] == "applied":
                taken_ns = self._desk.times.now().monotonic - arrived.monotonic
                self.counters.latency.add(taken_ns)
            if answer["outcome"] == Reason.SUPERSEDED:
                continue  # another gateway answers
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._link.answer(message, answer)
            except (UplinkError, OSError, TimeoutError) as error:
                self.counters.outcomes["unanswered"] += 1
                self._note(f"an answer is lost: {error}")
            stop_if_cancelled()

    # -- the commands ---------------------------------------------------------------------------
    async def _judge(self, message: Incoming, arrived: Moment) -> Answer:
        """Carry a command out or refuse it; count it; return its answer."""
        try:
            asked = self._parse(message, arrived)
        except RefusalError as refused:
            return await self._refuse({"id": id_of(message.payload)}, refused)
        if isinstance(asked, Confirmation):
            return await self._confirmed(asked)
        return await self._commanded(asked)

    def _parse(self, message: Incoming, arrived: Moment) -> Command | Confirmation:
        if self._rate.wait_s(arrived.monotonic) > 0:
            text = f"more than {COMMAND_RATE} commands a second"
            raise RefusalError(Reason.TOO_FAST, text)
        self._rate.take(1)
        if message.is_retained:
            raise RefusalError(Reason.RETAINED, "kept by the broker: expected a message of now")
        return parse_command(message.payload, arrived)

    async def _commanded(self, command: Command) -> Answer:
        try:
            self._desk.seen.add(command.id, self._desk.times.now().monotonic)
        except RefusalError as refused:
            return await self._refuse(_about(command), refused)
        try:
            rule = self._allowed.rule(command.variable)
            checked = self._desk.check(command, rule)
            if rule.confirm:
                return await self._ask(command, checked)
            return await self._apply(command, checked, {})
        except RefusalError as refused:
            self._desk.seen.settle(command.id, refused.reason)
            return await self._refuse(_about(command), refused)

    async def _ask(self, command: Command, checked: Checked) -> Answer:
        now_ns = self._desk.times.now().monotonic
        token = self._tokens.ask(command, now_ns)
        about = {**_about(command), "before": checked.before, "outcome": "asked"}
        await self._desk.write_down({"uplink": self.name, **about})
        self._settle(command, "asked")
        left_ms = (command.deadline_ns - now_ns) // 1_000_000
        return {**about, "token": token, "expires_in_ms": left_ms}

    async def _confirmed(self, confirmation: Confirmation) -> Answer:
        about: Answer = {"id": confirmation.id}
        confirmer: Answer = {"confirmed_by": confirmation.user} if confirmation.user else {}
        try:
            command = self._tokens.redeem(confirmation, self._desk.times.now().monotonic)
        except RefusalError as refused:
            return await self._refuse({**about, **confirmer}, refused)
        try:
            checked = self._desk.check(command, self._allowed.rule(command.variable))
            return await self._apply(command, checked, confirmer)
        except RefusalError as refused:
            self._desk.seen.settle(command.id, refused.reason)
            return await self._refuse({**_about(command), **confirmer}, refused)

    async def _apply(self, command: Command, checked: Checked, more: Answer) -> Answer:
        about: Answer = {**_about(command), **more, "before": checked.before}
        await self._desk.write_down({"uplink": self.name, **about, "outcome": "given"})
        effect = await self._desk.carry_out(command, checked)
        if effect is None:
            about["outcome"] = "unknown"
            about["text"] = "given to the program, but no scan was seen to take it in time"
        else:
            about |= {"outcome": "applied", "task": effect.task, "cycle": effect.cycle,
                      "after": effect.value}  # fmt: skip
        self._settle(command, str(about["outcome"]))
        try:
            await self._desk.write_down({"uplink": self.name, **about})
        except RefusalError as refused:  # it is done; the line before it tells of it
            self._note(str(refused))
        return about

    def _settle(self, command: Command, outcome: str) -> None:
        self._desk.seen.settle(command.id, outcome)
        self.counters.outcomes[outcome] += 1
        _LOG.info(
            "uplink %s: command of %s: %s", self.name, command.variable, outcome,
            extra={"uplink": self.name, "user": command.user, "command": command.id},
        )  # fmt: skip

    async def _refuse(self, about: Answer, refused: RefusalError) -> Answer:
        """Count a refusal and write it down, but for floods: they are to fill no disk."""
        reason, text = refused.reason, str(refused)
        self.counters.outcomes[reason] += 1
        answer: Answer = {**about, "outcome": reason, "text": text}
        if reason is not Reason.TOO_FAST:
            try:
                await self._desk.write_down({"uplink": self.name, **answer})
            except RefusalError as unwritten:
                self._note(str(unwritten))
        self._note(f"a command is refused: {text}")
        return answer


def _about(command: Command) -> Answer:
    """Return what answers and the audit log say of every command."""
    about: Answer = {"id": command.id, "variable": command.variable, "value": command.value}
    return {**about, "user": command.user} if command.user else about
