"""Many plain values out of a state at once: one gather a scan, not one read a variable. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gateway.flow.variables import Variable, real_json, short_real_json
from runtime.datatypes.values import Json

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Column:
    """Variables of one format, and the places of their bytes in the state."""

    code: str
    paths: tuple[str, ...]
    numbers: npt.NDArray[np.intp]
    """Which of the gather's variables they are."""
    places: npt.NDArray[np.intp]
    """One row a variable, one column a byte."""

    def values(self, raw: Bytes) -> list[Json]:
        """Return the values of rows that were read, as JSON holds them."""
        plain = raw.view(np.dtype(f"<{self.code}" if self.code != "?" else "?")).ravel().tolist()
        if self.code == "d":
            return [real_json(value) for value in plain]
        if self.code == "f":
            return [short_real_json(value) for value in plain]
        values: list[Json] = plain
        return values


class Gather:
    """Reads the same plain variables out of one state after the other."""

    def __init__(self, variables: Sequence[Variable]) -> None:
        """Take variables whose `code` is not empty."""
        by_code: dict[str, list[int]] = {}
        for number, variable in enumerate(variables):
            by_code.setdefault(variable.code, []).append(number)
        self.columns = tuple(
            Column(
                code,
                tuple(variables[number].path for number in numbers),
                np.array(numbers, dtype=np.intp),
                np.array(
                    [
                        range(item.symbol.offset, item.symbol.offset + item.size)
                        for item in (variables[number] for number in numbers)
                    ],
                    dtype=np.intp,
                ),
            )
            for code, numbers in by_code.items()
        )

    def read(self, state: memoryview) -> Iterator[tuple[Column, Bytes]]:
        """Yield each column with the bytes of its variables, one row each."""
        memory = np.frombuffer(state, dtype=np.uint8)
        for column in self.columns:
            yield column, memory[column.places]
