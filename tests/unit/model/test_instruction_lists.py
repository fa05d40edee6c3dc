"""Random instruction lists compute what a plain machine with one accumulator computes."""

import random
from collections.abc import Callable
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.programs import run

Value = int | bool
Line = tuple[str, str, str]
"""Label, operator, operand."""

_NUMBERS: Final = ("I0", "I1", "I2", "I3")
_BITS: Final = ("B0", "B1", "B2", "B3")
_ARITHMETIC: Final[dict[str, Callable[[int, int], Value]]] = {
    "ADD": lambda a, b: (a + b + 32768) % 65536 - 32768,
    "SUB": lambda a, b: (a - b + 32768) % 65536 - 32768,
    "MUL": lambda a, b: (a * b + 32768) % 65536 - 32768,
}
_COMPARISONS: Final[dict[str, Callable[[int, int], Value]]] = {
    "GT": lambda a, b: a > b,
    "EQ": lambda a, b: a == b,
    "LE": lambda a, b: a <= b,
}
_LOGIC: Final[dict[str, Callable[[int, int], Value]]] = {
    "AND": lambda a, b: bool(a and b),
    "ANDN": lambda a, b: bool(a and not b),
    "OR": lambda a, b: bool(a or b),
    "ORN": lambda a, b: bool(a or not b),
    "XOR": lambda a, b: bool(a) != bool(b),
}
_BINARY: Final = _ARITHMETIC | _COMPARISONS | _LOGIC


class Writer:
    """Writes a well-typed list: it knows whether the accumulator holds a number or a bit."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.lines: list[Line] = []
        self.holds = ""
        self.open: dict[str, str] = {}
        """Labels that jumps go to and that do not stand yet, with what the jumps carry."""
        self.labels = 0

    def write(self, length: int) -> list[Line]:
        """Return a list of about `length` instructions."""
        while len(self.lines) < length or self.open:
            if self.open and self.chance.random() < (0.2 if len(self.lines) < length else 1):
                self._label()
            else:
                self._line()
        return self.lines

    def _label(self) -> None:
        name, carried = self.open.popitem()
        if carried == self.holds and self.chance.random() < 0.7:
            self.lines.append((name, "ST", self.chance.choice(self._names())))
        else:
            self._load(name)

    def _names(self) -> tuple[str, ...]:
        return _NUMBERS if self.holds == "number" else _BITS

    def _load(self, label: str = "") -> None:
        self.holds = self.chance.choice(("number", "bit"))
        operator = "LDN" if self.holds == "bit" and self.chance.random() < 0.3 else "LD"
        self.lines.append((label, operator, self.chance.choice(self._names())))

    def _line(self) -> None:
        if not self.holds or self.chance.random() < 0.2:
            self._load()
            return
        kinds = [self._store, self._operate, self._operate, self._deferred]
        if self.holds == "bit":
            kinds += [self._set, self._jump]
        self.chance.choice(kinds)()

    def _store(self) -> None:
        self.lines.append(("", "ST", self.chance.choice(self._names())))

    def _operator(self) -> str:
        names = _LOGIC if self.holds == "bit" else _ARITHMETIC | _COMPARISONS
        return self.chance.choice(sorted(names))

    def _operate(self) -> None:
        operator = self._operator()
        self.lines.append(("", operator, self.chance.choice(self._names())))
        if operator in _COMPARISONS:
            self.holds = "bit"

    def _deferred(self) -> None:
        operator, names = self._operator(), self._names()
        inner = sorted(_LOGIC if self.holds == "bit" else _ARITHMETIC)
        self.lines.append(("", f"{operator}(", self.chance.choice(names)))
        for _ in range(self.chance.randint(0, 2)):
            self.lines.append(("", self.chance.choice(inner), self.chance.choice(names)))
        if self.chance.random() < 0.2:
            self.lines.append(("", "ST", self.chance.choice(names)))
        self.lines.append(("", ")", ""))
        if operator in _COMPARISONS:
            self.holds = "bit"

    def _set(self) -> None:
        operator = self.chance.choice(("S", "R", "STN", "NOT"))
        operand = "" if operator == "NOT" else self.chance.choice(_BITS)
        self.lines.append(("", operator, operand))

    def _jump(self) -> None:
        if not self.open or self.chance.random() < 0.5:
            self.labels += 1
            self.open[f"L{self.labels}"] = "bit"
        label = self.chance.choice(sorted(self.open))
        self.lines.append(("", self.chance.choice(("JMPC", "JMPCN")), label))


def machine(lines: list[Line], variables: dict[str, Value]) -> dict[str, Value]:
    """Return the variables after the list, by the book: one accumulator and a stack."""
    at, result = 0, variables["I0"]
    stack: list[tuple[str, Value]] = []
    labels = {label: number for number, (label, _, _) in enumerate(lines) if label}
    while at < len(lines):
        _, operator, operand = lines[at]
        at += 1
        if operator.startswith("LD"):
            result = not variables[operand] if operator == "LDN" else variables[operand]
        elif operator in {"ST", "STN"}:
            variables[operand] = not result if operator == "STN" else result
        elif operator in {"S", "R"}:
            variables[operand] = (operator == "S") if result else variables[operand]
        elif operator == "NOT":
            result = not result
        elif operator.endswith("("):
            stack.append((operator[:-1], result))
            result = variables[operand]
        elif operator == ")":
            outer, left = stack.pop()
            result = _BINARY[outer](left, result)
        elif operator in _BINARY:
            result = _BINARY[operator](result, variables[operand])
        elif result == (operator == "JMPC"):
            at = labels[operand]
    return variables


@settings(max_examples=12, deadline=None)
@given(chance=st.randoms(use_true_random=False))
def test_a_random_list_computes_what_an_accumulator_computes(chance: random.Random) -> None:
    lines = Writer(chance).write(chance.randint(10, 60))
    numbers = {name: chance.randint(-9, 9) for name in _NUMBERS}
    bits = {name: chance.random() < 0.5 for name in _BITS}
    declared = "\n".join(
        [f"{name} : INT := {value};" for name, value in numbers.items()]
        + [f"{name} : BOOL := {value};" for name, value in bits.items()]
    )
    body = "\n".join(f"{label + ':' if label else ''} {word} {to}" for label, word, to in lines)
    text = f"PROGRAM MAIN\nVAR\n{declared}\nEND_VAR\n{body}\nEND_PROGRAM\n"

    found = run(text).last

    expected = machine(lines, {**numbers, **bits})
    assert found == {f"MAIN.{name}": value for name, value in expected.items()}, text
