"""Quality of a published variable: that of its input; BAD in a scan that faulted. Pure.

A variable at no input is as good as the program that computes it.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np

from gateway.flow.gather import Bytes
from gateway.flow.scans import ScanFrame
from gateway.flow.variables import Variable
from runtime.image.directory import Directory
from runtime.image.layout import Quality
from runtime.project.units import parse_address

_NO_INPUT: Final = -1


class InputNumbers:
    """The inputs that some variables stand at."""

    def __init__(self, numbers: Iterable[int]) -> None:
        """Take the number of each variable's input among all devices', -1 for none."""
        self._numbers = np.array(list(numbers), dtype=np.intp)
        self._at_input = self._numbers >= 0
        self._any = bool(self._at_input.any())

    def of(self, frame: ScanFrame) -> Bytes:
        """Return the quality of each variable in a scan."""
        if frame.faulted:
            return np.full(len(self._numbers), Quality.BAD, dtype=np.uint8)
        if not self._any:
            return np.zeros(len(self._numbers), dtype=np.uint8)
        qualities = np.frombuffer(frame.qualities, dtype=np.uint8)
        return np.where(self._at_input, qualities[self._numbers], Quality.GOOD).astype(np.uint8)


class InputQualities:
    """Finds the input that a variable stands at."""

    def __init__(self, directory: Directory) -> None:
        """Take the inputs of all devices, in the order of a frame's qualities."""
        self._by_bit: dict[int, int] = {}
        addresses = (address for device in directory.devices for address in device.inputs)
        for number, text in enumerate(addresses):
            start = directory.input_area.offset * 8
            for bit in parse_address(text).bits:
                self._by_bit[start + bit] = number

    def of(self, variable: Variable) -> int:
        """Return the number of a variable's input, -1 where it stands at none."""
        start = variable.symbol.offset * 8
        bits = range(start, start + variable.size * 8)
        if variable.symbol.bit >= 0:
            bits = range(start + variable.symbol.bit, start + variable.symbol.bit + 1)
        return next((self._by_bit[bit] for bit in bits if bit in self._by_bit), _NO_INPUT)

    def numbers(self, variables: Iterable[Variable]) -> InputNumbers:
        """Return the inputs of several variables."""
        return InputNumbers(self.of(variable) for variable in variables)


def quality_at(frame: ScanFrame, number: int) -> int:
    """Return the quality of one variable in a scan, by the number of its input."""
    if frame.faulted:
        return Quality.BAD
    return frame.qualities[number] if number >= 0 else Quality.GOOD
