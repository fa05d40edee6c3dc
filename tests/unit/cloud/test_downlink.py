"""The down-link without a broker: what it refuses before the program sees anything."""

import asyncio
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.cloud.desk import CommandDesk, Times
from gateway.cloud.downlink import Answer, Downlink, Incoming
from gateway.cloud.seam import UplinkError
from gateway.config import COMMAND_BURST_S, COMMAND_RATE
from gateway.flow.commands import Moment
from runtime.artifact.program import Symbol
from runtime.audit import AuditLog
from runtime.datatypes.derived import Array, Field, Structure
from runtime.datatypes.elementary import ELEMENTARY
from runtime.image import layout
from runtime.image.layout import Mode, SectionKind
from runtime.project.uplinks import CommandRule
from tests.support.cloud_plant import PlayedPlant, cloud_project, play_plant

LINT = ELEMENTARY["LINT"]
SECOND = 1_000_000_000


class FakeLink:
    """A broker that sends what it was given, and keeps the answers."""

    def __init__(self, messages: list[Incoming]) -> None:
        self.messages = messages
        self.answers: list[Answer] = []
        self.complete = asyncio.Event()

    async def connect(self) -> None:
        if not self.messages:
            raise UplinkError("nothing left")

    async def listen(self, take: Callable[[Incoming], None]) -> None:
        for message in self.messages:
            take(message)
        await asyncio.Event().wait()

    async def answer(self, to: Incoming, answer: Answer) -> None:
        del to
        self.answers.append(answer)
        if len(self.answers) == len(self.messages):
            self.complete.set()

    async def close(self) -> None:
        pass


def message(command_id: str, value: int = 5, of: str = "MAIN.COUNT") -> Incoming:
    content = {"id": command_id, "variable": of, "value": value, "ttl_ms": 60_000}
    return Incoming(json.dumps(content).encode())


def answers(
    plant: PlayedPlant | None, audit: Path, messages: list[Incoming], of: str = "MAIN.COUNT"
) -> tuple[list[Answer], dict[str, int]]:
    """Return the answers to messages that come at the moment of the plant's last scan."""
    now_ns = plant.image.runtime_heartbeat_ns if plant is not None else 60 * SECOND
    numbers = itertools.count()
    times = Times(lambda: Moment(now_ns, SECOND), lambda: f"token {next(numbers)}")

    async def run() -> tuple[list[Answer], dict[str, int]]:
        image = plant.image if plant is not None else None
        link = FakeLink(messages)
        rules = [CommandRule(variable=of)]
        downlink = Downlink("u", link, rules, CommandDesk(lambda: image, AuditLog(audit), times), 5)
        task = asyncio.create_task(downlink.run())
        await asyncio.wait_for(link.complete.wait(), 30)
        task.cancel()
        await asyncio.wait([task])
        return link.answers, dict(downlink.counters.outcomes)

    return asyncio.run(run())


def given(plant: PlayedPlant) -> int:
    """Return how many commands the image was given."""
    queue = plant.image.section(SectionKind.COMMANDS, 0)
    return int.from_bytes(queue[layout.COMMANDS_WRITTEN : layout.COMMANDS_WRITTEN + 8], "little")


def test_no_command_reaches_the_program_that_the_audit_log_does_not_take(
    plant: PlayedPlant, tmp_path: Path
) -> None:
    plant.scan()
    found, outcomes = answers(plant, tmp_path / "missing" / "log", [message("a")])
    assert found[0]["outcome"] == "audit"
    assert outcomes == {"audit": 1}
    assert given(plant) == 0


def test_a_program_that_stands_or_never_ran_gets_no_command(
    plant: PlayedPlant, tmp_path: Path
) -> None:
    assert answers(plant, tmp_path / "log", [message("a")])[1] == {"not-running": 1}
    plant.scan()
    plant.image.mode = Mode.STOPPED
    assert answers(plant, tmp_path / "log", [message("b")])[1] == {"not-running": 1}
    assert answers(None, tmp_path / "log", [message("c")])[1] == {"not-running": 1}
    assert given(plant) == 0


@pytest.mark.parametrize("path", ["SHOWN.A", "Shown.B[2]"])
def test_what_var_access_shows_read_only_gets_no_command_though_a_rule_allows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("TAKT_IMAGE_DIR", str(tmp_path))
    pair = Structure(
        "T", (Field("A", 0, LINT), Field("B", 8, Array(((1, 2),), LINT))), 24, 8, is_union=False
    )
    symbols = (Symbol("MAIN.T", 64, pair), Symbol("SHOWN", 64, pair, direction="READ_ONLY"))
    plant = play_plant(cloud_project(tmp_path / "project", ""), symbols=symbols)
    plant.scan()
    log = tmp_path / "log"
    found, outcomes = answers(plant, log, [message("a", of=path)], of=path)
    assert outcomes == {"read-only": 1}
    assert found[0]["text"] == f"{path.upper()} is READ_ONLY in VAR_ACCESS"
    assert given(plant) == 0
    (line,) = [json.loads(text) for text in log.read_text().splitlines()]
    assert (line["outcome"], line["variable"]) == ("read-only", path)
    monkeypatch.setattr("gateway.cloud.carry_out.COMMAND_PATIENCE_S", 0.0)
    own = path.upper().replace("SHOWN", "MAIN.T")
    assert answers(plant, log, [message("b", of=own)], of=own)[1] == {"unknown": 1}
    assert given(plant) == 1
    plant.image.close()


def test_a_flood_is_refused_without_filling_the_audit_log(tmp_path: Path) -> None:
    burst = round(COMMAND_RATE * COMMAND_BURST_S)
    log = tmp_path / "log"
    found, outcomes = answers(None, log, [message(str(n)) for n in range(burst + 30)])
    assert outcomes == {"not-running": burst + 1, "too-fast": 29}
    assert found[-1]["id"] == str(burst + 29)
    assert len(log.read_text().splitlines()) == burst + 1


def test_what_a_command_will_do_is_on_disk_before_the_program_has_it(
    plant: PlayedPlant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.cloud.carry_out.COMMAND_PATIENCE_S", 0.0)
    plant.scan()
    log = tmp_path / "log"
    found, _ = answers(plant, log, [message("a", 9)])  # no task takes it
    assert given(plant) == 1
    assert (found[0]["outcome"], found[0]["before"]) == ("unknown", 1)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["outcome"] for line in lines] == ["given", "unknown"]
