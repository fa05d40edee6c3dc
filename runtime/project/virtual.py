"""Channels of virtual devices: signal generators, wires, and the terminals of simulated plants."""

from typing import Annotated, Literal

from pydantic import Field

from runtime.project.section import Section
from runtime.project.units import DurationNs

Form = Literal["constant", "sine", "square", "triangle", "sawtooth", "noise"]


class Signal(Section):
    """What a generator gives: a function of the time since the gateway has begun to serve it."""

    form: Form
    low: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    high: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    """Value of a constant; the others stay between both."""
    period: Annotated[DurationNs, Field(ge=1_000_000)] = 1_000_000_000
    """Of one turn; noise has a new value in each."""
    phase: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Part of a turn that is over at the begin."""
    duty: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Part of a turn in which a square is high, at its begin."""
    seed: int = 0
    """Of the noise: the same seed gives the same values."""


Plant = Literal["two_tanks"]
