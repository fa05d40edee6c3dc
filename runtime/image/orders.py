"""Orders to a running runtime, as lines of JSON through the Unix socket beside its image.

    {"restart": "hot"}  ─►  {"restarted": "hot", "before": "FAULTED", "stood_ms": 41.2, "frame": 9}
    {"stop": true}      ─►  {"stopped": true, "before": "RUNNING"}
    {"start": true}     ─►  {"restarted": "hot", "before": "STOPPED", "stood_ms": 812.0, "frame": 9}
    anything refused    ─►  {"error": "it is RUNNING: expected STOPPED to start it"}

`frame` is the number of the last frame before: the next is the first scan's after a restart.

Where one project runs as many PLCs, an order names the one that it is for, or all of them:

    {"restart": "warm", "instance": "press_3"}      {"stop": true, "instance": "all"}

One order a connection. No socket here: the runtime listens in a thread, `takt` waits for its
answer, the gateway does so on its event loop; all three speak by these functions.
"""

import contextlib
import enum
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runtime.errors import HostError
from runtime.image.layout import Mode

LINE_BYTES_MAX: Final = 4096
"""Longest order and answer."""
ANSWER_S: Final = 10.0
"""Longest wait of the runtime for itself: a restart takes some 50 ms, a program's start longer."""
PEER_S: Final = 1.0
"""Longest wait for the rest of an order, and beyond the above for the answer."""
Answer = Mapping[str, object]


class Restart(enum.Enum):
    """Which values a restart keeps."""

    COLD = "cold"
    WARM = "warm"
    HOT = "hot"


class Switch(enum.Enum):
    """Whether the program runs."""

    STOP = "stop"
    """No task runs, the outputs are safe, the state is kept."""
    START = "start"
    """From where it was stopped."""


Order = Restart | Switch
ALL: Final = "all"
"""In the place of an instance's name: every one of them."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """An order and the PLC that it is for."""

    order: Order
    instance: str | None = None
    """Its name, or ALL; None where the runtime can mean but one."""


_FROM: Final[Mapping[Switch, tuple[Mode, ...]]] = {
    Switch.STOP: (Mode.READY, Mode.RUNNING),
    Switch.START: (Mode.STOPPED,),
}
"""Modes in which an order makes sense; a restart does in all."""


def control_path(image: Path) -> Path:
    """Return where the socket of the runtime of an image stands."""
    return image.with_suffix(".control")


def refusal(order: Order, mode: Mode) -> str | None:
    """Return why an order cannot be carried out in a mode; None where it can."""
    if isinstance(order, Restart) or mode in _FROM[order]:
        return None
    if mode is Mode.FAULTED:
        return f"it is FAULTED: expected a restart instead of a {order.value}"
    expected = " or ".join(item.name for item in _FROM[order])
    return f"it is {mode.name}: expected {expected} to {order.value} it"


def chosen(instance: str | None, names: Sequence[str]) -> tuple[str, ...] | str:
    """Return which of some PLCs an order is for, or what is wrong with the name in it."""
    if instance == ALL:
        return tuple(names)
    if instance in names or (instance is None and len(names) == 1):
        return (instance or names[0],)
    known = names[0] if len(names) == 1 else f"one of {names[0]} to {names[-1]}, or {ALL}"
    if instance is None:
        return f"it runs as {len(names)} PLCs: expected {known}"
    return f"{instance} does not run here: expected {known}"


def encode_order(order: Order, instance: str | None = None) -> bytes:
    """Return an order as a line."""
    named: dict[str, object] = {} if instance is None else {"instance": instance}
    if isinstance(order, Restart):
        return encode_answer({"restart": order.value} | named)
    return encode_answer({order.value: True} | named)


def decode_order(line: bytes) -> Addressed | None:
    """Return the order of a line, None where it is none."""
    try:
        content = json.loads(line)
    except ValueError:
        return None
    if not isinstance(content, dict):
        return None
    instance = content.pop("instance", None)
    order = _order_of(content)
    if order is None or not isinstance(instance, str | None):
        return None
    return Addressed(order, instance)


def _order_of(content: dict[str, object]) -> Order | None:
    match content:
        case {"restart": str(kind)} if len(content) == 1:
            return next((item for item in Restart if item.value == kind), None)
        case {"stop": True} if len(content) == 1:
            return Switch.STOP
        case {"start": True} if len(content) == 1:
            return Switch.START
    return None


def encode_answer(answer: Answer) -> bytes:
    """Return an answer as a line."""
    return json.dumps(answer).encode() + b"\n"


def decode_answer(line: bytes, image: Path) -> Answer:
    """Return the answer of a line.

    Raises:
        HostError: The runtime refuses, or ended before it answered.
    """
    path = control_path(image)
    try:
        answer = json.loads(line)
    except ValueError:
        raise HostError(f"{path}: the runtime ended before it answered") from None
    if not isinstance(answer, dict):
        raise HostError(f"{path}: {line[:80]!r} is no answer; expected an object of JSON")
    if "error" in answer:
        raise HostError(f"{path}: {answer['error']}")
    return answer


def unreachable(image: Path, error: OSError) -> HostError:
    """Return what is told of a socket that nobody serves, or where nobody answers in time."""
    if isinstance(error, TimeoutError):
        return HostError(
            f"{control_path(image)}: the runtime has not answered for {ANSWER_S + PEER_S:g} s; the "
            "order is dropped"
        )
    return HostError(
        f"{control_path(image)}: no runtime takes orders ({error.strerror or error}); expected one "
        "that runs this project"
    )


@contextlib.contextmanager
def short_name(path: Path) -> Iterator[str]:
    """Give a name for a socket's path within the 107 bytes that Linux takes."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
