"""The driver of virtual devices: nothing goes out, and time is the only thing that acts.

signal      an input is what a generator gives
terminal    an input is what was last written to the output of that name: a wire
plant       terminals are those of a simulated plant, which runs as long as the gateway does
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from gateway.field.clock import Clock
from gateway.field.seam import Answer, ReadExchange, WriteExchange
from gateway.flow.signals import value_at
from gateway.tags import DeviceMap, VirtualChannel, virtual_channels
from runtime.plant.terminals import NAMES
from runtime.project.devices import VirtualDevice
from runtime.project.values import ValueKind, saturated, to_raw

_SECOND_NS: Final = 1e9


class VirtualDriver:
    """One virtual device: its wires, its generators, and its plant if it has one."""

    def __init__(self, device: DeviceMap, section: VirtualDevice, clock: Clock) -> None:
        """Take the channels; time begins with the first connection."""
        self._inputs = virtual_channels(device.inputs)
        self._outputs = virtual_channels(item.channel for item in device.outputs)
        self._groups = device.groups
        self._section, self._clock = section, clock
        self._origin_ns: int | None = None
        self._wires: dict[str, int] = {}
        self._plant: _Plant | None = None

    async def connect(self) -> None:
        """Begin the time; a plant is compiled first."""
        if self._origin_ns is not None:
            return
        if self._section.plant is not None:
            self._plant = await asyncio.to_thread(_Plant)
        self._origin_ns = self._clock()

    def close(self) -> None:
        """Keep everything: there is no connection to lose."""

    def reads(self, group: int) -> Sequence[ReadExchange]:
        """Return one exchange for all inputs of a group."""
        numbers = self._groups[group].inputs
        return [ReadExchange(numbers, partial(self._read, numbers))] if numbers else []

    async def _read(self, numbers: Sequence[int]) -> Answer:
        assert self._origin_ns is not None
        now_ns = self._clock()
        if self._plant is not None:
            self._plant.advance_to((now_ns - self._origin_ns) / _SECOND_NS, self._wires)
        values = [self._value(self._inputs[number], now_ns - self._origin_ns) for number in numbers]
        return Answer(now_ns, self._clock(), values)

    def _value(self, channel: VirtualChannel, time_ns: int) -> int:
        if channel.signal is not None:
            value = value_at(channel.signal, time_ns)
            if channel.kind is not ValueKind.REAL:
                value = saturated(value, channel.kind, channel.width)
            return to_raw(value, channel.kind, channel.width)
        if self._plant is not None and channel.terminal in self._plant.sensors:
            return self._plant.sensors[channel.terminal]
        return self._wires.get(channel.terminal, 0)

    def writes(self, changes: Mapping[int, int]) -> Sequence[WriteExchange]:
        """Return one exchange that sets the outputs."""
        return [WriteExchange(tuple(changes), partial(self._write, dict(changes)))]

    async def _write(self, changes: Mapping[int, int]) -> Answer:
        now_ns = self._clock()
        for number, raw in changes.items():
            self._wires[self._outputs[number].terminal] = raw
        return Answer(now_ns, self._clock())


class _Plant:
    """The two-tank rig with its terminals by name; made in a thread, since it is compiled then."""

    def __init__(self) -> None:
        """Compile it, at rest and at time 0."""
        from runtime.plant.rig import Disturbance, Rig  # numba takes a second to load

        self._rig = Rig(Disturbance())
        self._rig.compile()
        self._behind_s = 0.0
        self.sensors: dict[str, int] = {}

    def advance_to(self, time_s: float, acting: Mapping[str, int]) -> None:
        """Let time pass under what its actors were last told; see its sensors."""
        rig = self._rig
        rig.command(
            [acting.get(name, 0) for name in NAMES["holding"]],
            [bool(acting.get(name, 0)) for name in NAMES["coil"]],
        )
        rig.advance_to(time_s - self._behind_s)
        if time_s - self._behind_s - rig.time_s > 1.0:  # it was held up: the rest is lost
            self._behind_s = time_s - rig.time_s
        counts, switches = rig.input_registers(), rig.discrete_inputs()
        self.sensors = dict(zip(NAMES["input"], counts, strict=True))
        self.sensors |= {
            name: int(on) for name, on in zip(NAMES["discrete"], switches, strict=True)
        }
