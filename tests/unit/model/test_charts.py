"""Random charts evolve as the rules of 6.7.5 say, played by hand on sets of active steps."""

import random
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.programs import MS, run

PERIOD_NS = 100 * MS
CYCLES = 12


@dataclass(frozen=True)
class Transition:
    """One transition; its condition is the input of its number."""

    priority: int | None
    sources: tuple[str, ...]
    targets: tuple[str, ...]

    def text(self, number: int) -> str:
        """Return it as ST."""
        priority = "" if self.priority is None else f"(PRIORITY := {self.priority}) "
        steps = f"FROM {listed(self.sources)} TO {listed(self.targets)}"
        return f"TRANSITION {priority}{steps} := C{number}; END_TRANSITION"


def listed(steps: tuple[str, ...]) -> str:
    """Return steps as FROM and TO write them."""
    return steps[0] if len(steps) == 1 else f"({', '.join(steps)})"


@dataclass
class Game:
    """The chart played by hand."""

    transitions: list[Transition]
    active: set[str]
    since: dict[str, int] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    entered: set[str] = field(default_factory=set)

    def scan(self, now_ns: int, conditions: list[bool]) -> None:
        """Play one scan."""
        before = set(self.active)
        self.active = (self.active - self.left) | self.entered
        self.since |= dict.fromkeys(self.entered, now_ns)
        for step in self.active | (before - self.active):  # the final scan runs once more
            self.runs[step] = self.runs.get(step, 0) + 1
        self.left, self.entered = set(), set()
        order = sorted(
            range(len(self.transitions)),
            key=lambda n: (self.transitions[n].priority is None, self.transitions[n].priority or 0),
        )
        for number in order:
            item = self.transitions[number]
            ready = set(item.sources) <= self.active - self.left
            if ready and conditions[number]:
                self.left |= set(item.sources)
                self.entered |= set(item.targets)


def random_transitions(steps: list[str], chance: random.Random) -> list[Transition]:
    """Return transitions between steps: sequences, branches, and parallel ones now and then."""
    return [
        Transition(
            chance.choice((None, None, 1, 2, 3)),
            tuple(chance.sample(steps, chance.choice((1, 1, 1, 2)))),
            tuple(chance.sample(steps, chance.choice((1, 1, 1, 2)))),
        )
        for _ in range(chance.randint(len(steps), 2 * len(steps)))
    ]


def chart_text(steps: list[str], transitions: list[Transition]) -> str:
    """Return a program with the chart; each step counts its runs."""
    conditions = ", ".join(f"C{number}" for number in range(len(transitions)))
    counts = ", ".join(f"N{step}" for step in steps)
    parts = [f"PROGRAM MAIN\nVAR {conditions} : BOOL; {counts} : INT; END_VAR"]
    for step in steps:
        word = "INITIAL_STEP" if step == steps[0] else "STEP"
        parts.append(f"{word} {step}: A{step}(N); END_STEP")
        parts.append(f"ACTION A{step}: N{step} := N{step} + 1; END_ACTION")
    parts += [item.text(number) for number, item in enumerate(transitions)]
    return "\n".join([*parts, "END_PROGRAM\n"])


@settings(max_examples=12, deadline=None)
@given(chance=st.randoms(use_true_random=False))
def test_a_random_chart_evolves_as_on_paper(chance: random.Random) -> None:
    steps = [f"S{number}" for number in range(chance.randint(2, 7))]
    transitions = random_transitions(steps, chance)
    inputs = [[chance.random() < 0.5 for _ in transitions] for _ in range(CYCLES)]
    game = Game(transitions, {steps[0]}, {steps[0]: 0})
    text = chart_text(steps, transitions)

    done = run(
        text,
        cycles=CYCLES,
        period_ns=PERIOD_NS,
        inputs={
            cycle: {f"MAIN.C{number}": value for number, value in enumerate(values)}
            for cycle, values in enumerate(inputs, 1)
        },
    )

    for cycle, conditions in enumerate(inputs):
        game.scan(cycle * PERIOD_NS, conditions)
        values = done.cycles[cycle].values
        for step in steps:
            found = values[f"MAIN.{step}"]
            assert isinstance(found, dict)
            assert found["X"] == (step in game.active), f"{step}, cycle {cycle + 1}\n{text}"
            if step in game.active:
                assert found["T"] == cycle * PERIOD_NS - game.since[step]
            assert values[f"MAIN.N{step}"] == game.runs.get(step, 0)
