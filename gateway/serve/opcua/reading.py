"""Read of many values: the answer is prepared once, then filled from a frame each time.

Clients that poll send the same list of nodes again and again. What it becomes is kept by the bytes
of the list: where in the answer each value stands, and which variables fill it.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gateway.protocols.opcua.builtin import (
    HAS_SERVER_TIME,
    HAS_SOURCE_TIME,
    HAS_STATUS,
    HAS_VALUE,
    SEVERITY,
    Status,
)
from gateway.protocols.opcua.services import ReadRows, read_nodes
from gateway.serve.opcua.frames import Snapshot
from gateway.serve.opcua.rows import TIME_BITS, Form, Gather, encode_row, form_of
from gateway.serve.opcua.variables import Variable

PLANS_MAX: Final = 64
"""Lists of nodes that are remembered."""
PLAN_NODES_MAX: Final = 200_000
"""Nodes in all lists that are remembered together: about 200 bytes each."""


@dataclass(frozen=True, slots=True)
class _Fill:
    """Variables of one form, and where in the answer their values go."""

    gather: Gather
    values: NDArray[np.intp]
    """Place of every byte of every value, a row for each."""
    statuses: NDArray[np.intp] | None


class _Layout:
    """The answer to one list as long as its rows have the same parts."""

    def __init__(self, variables: Sequence[Variable], parts: int) -> None:
        self._parts = parts
        self._cuts: list[tuple[int, Variable]] = []
        head = bytearray()
        members: dict[Form, list[tuple[Variable, int]]] = {}
        sources: list[int] = []
        servers: list[int] = []
        for variable in variables:
            form = form_of(variable)
            if form is None:
                self._cuts.append((len(head), variable))
                continue
            head += bytes((parts | HAS_VALUE, form.coding.builtin))
            members.setdefault(form, []).append((variable, len(head)))
            head += bytes(form.coding.width + (4 if parts & HAS_STATUS else 0))
            for bit, places in ((HAS_SOURCE_TIME, sources), (HAS_SERVER_TIME, servers)):
                if parts & bit:
                    places.append(len(head))
                    head += bytes(8)
        self._template = np.frombuffer(bytes(head), np.uint8)
        self._sources = _bytes_at(sources, 8)
        self._servers = _bytes_at(servers, 8)
        self._fills = [self._fill(form, found) for form, found in members.items()]

    def _fill(self, form: Form, found: Sequence[tuple[Variable, int]]) -> _Fill:
        places = [place for _, place in found]
        width = form.coding.width
        behind = [place + width for place in places]
        return _Fill(
            Gather(form, [variable for variable, _ in found]),
            _bytes_at(places, width),
            _bytes_at(behind, 4) if self._parts & HAS_STATUS else None,
        )

    def statuses(self, snapshot: Snapshot) -> list[NDArray[np.uint32]]:
        """Return the status of every value, form by form."""
        return [fill.gather.statuses(snapshot) for fill in self._fills]

    def fill(self, snapshot: Snapshot, timestamps: int, now: int) -> bytes:
        """Return the rows of the answer."""
        answer = self._template.copy()
        for item in self._fills:
            values = item.gather.values(item.gather.bits(snapshot))
            answer[item.values] = _as_bytes(values)
            if item.statuses is not None:
                answer[item.statuses] = _as_bytes(item.gather.statuses(snapshot))
        if self._parts & HAS_SOURCE_TIME:
            answer[self._sources] = np.frombuffer(snapshot.ticks.to_bytes(8, "little"), np.uint8)
        if self._parts & HAS_SERVER_TIME:
            answer[self._servers] = np.frombuffer(now.to_bytes(8, "little"), np.uint8)
        data = answer.tobytes()
        if not self._cuts:
            return data
        pieces: list[bytes] = []
        done = 0
        for place, variable in self._cuts:
            pieces += (data[done:place], encode_row(variable, snapshot, timestamps, now))
            done = place
        return b"".join((*pieces, data[done:]))


def _bytes_at(places: Sequence[int], width: int) -> NDArray[np.intp]:
    return np.array(places, np.intp).reshape(-1, 1) + np.arange(width, dtype=np.intp)


def _as_bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1)


class ReadPlan:
    """The answer to one list of variables, with statuses and without."""

    def __init__(self, variables: Sequence[Variable], timestamps: int) -> None:
        """Prepare the answer; `timestamps` is a key of `TIME_BITS`."""
        self.count = len(variables)
        self._variables = variables
        self._timestamps = timestamps
        self._plain = _Layout(variables, TIME_BITS[timestamps])
        self._with_statuses: _Layout | None = None

    def answer(self, snapshot: Snapshot, now: int) -> bytes:
        """Return the rows of the answer; `now` is the server's time in ticks."""
        if snapshot.status & SEVERITY == Status.BAD:
            rows = (encode_row(item, snapshot, self._timestamps, now) for item in self._variables)
            return b"".join(rows)
        statuses = self._plain.statuses(snapshot)
        worst = max((int(item.max()) for item in statuses), default=0)
        if worst == Status.GOOD:
            return self._plain.fill(snapshot, self._timestamps, now)
        if self._with_statuses is None:
            parts = TIME_BITS[self._timestamps] | HAS_STATUS
            self._with_statuses = _Layout(self._variables, parts)
        return self._with_statuses.fill(snapshot, self._timestamps, now)


class Reader:
    """Answers Reads of the program's variables."""

    def __init__(self, variables: Mapping[bytes, Variable]) -> None:
        """Take the variables by their NodeIds as messages hold them."""
        self._variables = variables
        self._plans: OrderedDict[tuple[bytes, int], ReadPlan] = OrderedDict()
        self._nodes = 0

    def plan(self, request: ReadRows) -> ReadPlan | None:
        """Return the plan of a request; None where it asks for anything but values of variables.

        Raises:
            CodecError: Its rows are none.
        """
        if request.timestamps not in TIME_BITS:
            return None
        key = request.rows, request.timestamps
        plan = self._plans.get(key)
        if plan is not None:
            self._plans.move_to_end(key)
            return plan
        found = []
        for node in read_nodes(request.rows, request.count):
            variable = self._variables.get(node) if node is not None else None
            if variable is None:
                return None
            found.append(variable)
        plan = ReadPlan(found, request.timestamps)
        self._keep(key, plan)
        return plan

    def _keep(self, key: tuple[bytes, int], plan: ReadPlan) -> None:
        if plan.count > PLAN_NODES_MAX:
            return
        self._plans[key] = plan
        self._nodes += plan.count
        while len(self._plans) > PLANS_MAX or self._nodes > PLAN_NODES_MAX:
            _, oldest = self._plans.popitem(last=False)
            self._nodes -= oldest.count
