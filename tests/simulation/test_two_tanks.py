"""The two-tank program on the two-tank rig in virtual time: what the demo does, to the bit."""

import hashlib
import struct
from pathlib import Path

from runtime.app.simulate import CompiledStepper, Stepper, interpreted
from runtime.artifact import abi
from runtime.artifact.abi import FaultKind
from runtime.artifact.program import Area
from runtime.build import build_project, check_sources
from runtime.limits import LOOP_BUDGET
from runtime.plant.rig import Disturbance, Rig
from runtime.project.load import Project, load_project
from runtime.project.plans import TaskPlan
from runtime.source import read_source

PROGRAMS = Path(__file__).parents[2] / "iec_programs"
CONTEXT = struct.Struct("<qQqII")
INTERVAL_NS = 10_000_000


class ClosedLoop:
    """Program and rig, wired as `takt.toml` wires them, both on the same virtual clock."""

    def __init__(self, *, disturbance: Disturbance, engine: str = "compiled") -> None:
        project = load_project(PROGRAMS / "plants" / "two_tanks")
        program = build_project(project).program
        assert program is not None
        self.inputs, self.outputs = program.inputs, program.outputs
        self.symbols = {symbol.path: symbol for symbol in program.symbols}
        self.stepper: Stepper = CompiledStepper(program)
        if engine == "interpreted":
            self.stepper = interpret(project)
        self.rig = Rig(disturbance)
        self.cycle = 0
        self.linked = True

    def scan(self) -> None:
        """Sample, scan, command, and let one interval pass."""
        state = self.stepper.state
        self._sample(state)
        self.cycle += 1
        now_ns = (self.cycle - 1) * INTERVAL_NS
        CONTEXT.pack_into(state, abi.NOW_NS, now_ns, self.cycle, LOOP_BUDGET, FaultKind.NONE, 0)
        assert self.stepper.run_task(0) == 0
        if self.linked:
            holding = list(struct.unpack_from("<3h", state, self.outputs.offset))
            switches = state[self.outputs.offset + 8]
            self.rig.command(holding, [bool(switches & 1), bool(switches & 2), False])
        self.rig.advance_to(self.rig.time_s + INTERVAL_NS / 1e9)

    def _sample(self, state: bytearray | memoryview) -> None:
        at = self.inputs.offset
        if not self.linked:
            state[at + 16] &= ~0b111  # what the runtime does: hold all but the protections
            return
        struct.pack_into("<7h", state, at, *self.rig.input_registers())
        state[at + 16] = sum(bit << n for n, bit in enumerate(self.rig.discrete_inputs()))

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 1e9 / INTERVAL_NS)):
            self.scan()

    def __getitem__(self, name: str) -> float:
        symbol = self.symbols[f"MAIN.{name}"]
        if symbol.bit >= 0:
            return self.stepper.state[symbol.offset] >> symbol.bit & 1
        form = {"REAL": "<f", "INT": "<h", "BOOL": "<?"}[str(symbol.type)]
        value: float = struct.unpack_from(form, self.stepper.state, symbol.offset)[0]
        return value

    @property
    def deviation_mm(self) -> float:
        """The greater of the two levels' deviations."""
        upper = self["UPPERLEVEL"] - self["UPPERSETPOINT"]
        lower = self["LOWERLEVEL"] - self["LOWERSETPOINT"]
        return max(abs(upper), abs(lower))


def interpret(project: Project) -> Stepper:
    sources = tuple(read_source(path) for path in project.sources)
    plans = tuple(TaskPlan(task.name, task.programs) for task in project.config.task)
    channels = tuple(entry.address for entry in project.config.io)
    checked = check_sources(sources, plans, channels)
    assert checked.model is not None
    assert Area(*checked.model.inputs).size > 0
    return interpreted(checked.model)


CALM = Disturbance(lasts_s=0.0)


def test_both_levels_reach_their_set_points_and_stay() -> None:
    loop = ClosedLoop(disturbance=CALM)
    loop.run(10)
    for _ in range(20):
        loop.run(1)
        assert loop.deviation_mm < 5
    assert loop.deviation_mm < 0.5


def test_the_temperature_reaches_its_set_point_and_the_lower_tank_follows() -> None:
    loop = ClosedLoop(disturbance=CALM)
    loop.run(60)
    assert abs(loop["UPPERTEMPERATURE"] - 30.0) < 0.2
    assert 28.0 < loop["LOWERTEMPERATURE"] < loop["UPPERTEMPERATURE"]


def test_a_disturbance_is_made_up_for() -> None:
    loop = ClosedLoop(disturbance=Disturbance(first_s=12, lasts_s=4, every_s=100))
    loop.run(12.5)
    assert loop.deviation_mm < 5
    worst = 0.0
    while loop["DRAINOPEN"] or loop.rig.time_s < 14:
        loop.scan()
        worst = max(worst, loop.deviation_mm)
    assert worst > 10
    assert loop["ALARMS"] <= 1
    loop.run(7)
    assert loop.deviation_mm < 5


def test_a_level_that_stays_off_its_set_point_raises_the_alarm_once() -> None:
    loop = ClosedLoop(disturbance=CALM)
    loop.run(15)
    assert not loop["LEVELALARM"]
    loop.stepper.state[loop.symbols["MAIN.LOWERSETPOINT"].offset :][:4] = struct.pack("<f", 290.0)
    loop.run(3)
    assert loop["LEVELALARM"]
    assert loop["ALARMS"] == 1


def test_without_a_link_the_machines_stop_and_come_back_after_the_settling_time() -> None:
    loop = ClosedLoop(disturbance=CALM)
    loop.run(20)
    held = loop["LOWERLEVEL"]
    loop.linked = False
    loop.run(2)
    assert not loop["PUMPON"]
    assert not loop["HEATERON"]
    assert loop["LOWERLEVEL"] == held
    loop.linked = True
    loop.run(0.4)
    assert not loop["PUMPON"]
    loop.run(0.2)
    assert loop["PUMPON"]
    loop.run(8)
    assert loop.deviation_mm < 5


def test_a_full_tank_stops_the_pump() -> None:
    loop = ClosedLoop(disturbance=CALM)
    loop.run(15)
    loop.rig.state[0] = 0.29
    loop.scan()
    assert not loop["PUMPON"]


def fingerprint(engine: str, cycles: int) -> str:
    loop = ClosedLoop(disturbance=Disturbance(first_s=1, lasts_s=1), engine=engine)
    for _ in range(cycles):
        loop.scan()
    names = [name for name in loop.symbols if str(loop.symbols[name].type) == "REAL"]
    values = repr([loop[name.removeprefix("MAIN.")] for name in names if name.startswith("MAIN.")])
    return hashlib.sha256(values.encode() + loop.rig.state.tobytes()).hexdigest()


def test_compiled_and_interpreted_runs_agree_to_the_bit() -> None:
    assert fingerprint("compiled", 400) == fingerprint("interpreted", 400)


def test_equal_runs_agree_to_the_bit() -> None:
    assert fingerprint("compiled", 2000) == fingerprint("compiled", 2000)


def test_the_plants_program_compiles_without_findings() -> None:
    assert not build_project(load_project(PROGRAMS / "plants" / "two_tanks")).findings
