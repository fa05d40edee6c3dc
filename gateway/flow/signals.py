"""Signal generators: values as functions of time. Pure; equal times give equal values."""

import hashlib
import math
from typing import Final

from runtime.project.virtual import Signal

_WORD_BYTES: Final = 8


def value_at(signal: Signal, time_ns: int) -> float:
    """Return what a generator gives.

    Args:
        signal: Its settings.
        time_ns: Time since it began.
    """
    turns = time_ns / signal.period + signal.phase
    return signal.low + (signal.high - signal.low) * _share(signal, turns)


def _share(signal: Signal, turns: float) -> float:
    """Return the part of the way from low to high, 0 to 1, at a number of turns."""
    part = turns % 1.0
    match signal.form:
        case "sine":
            return 0.5 + 0.5 * math.sin(2 * math.pi * part)
        case "square":
            return 1.0 if part < signal.duty else 0.0
        case "triangle":
            return 1.0 - abs(2.0 * part - 1.0)
        case "sawtooth":
            return part
        case "noise":
            return _chance(signal.seed, math.floor(turns))
        case "constant":
            return 1.0


def _chance(seed: int, number: int) -> float:
    """Return the number-th value of a row that only its seed decides, evenly spread."""
    digest = hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=_WORD_BYTES).digest()
    return int.from_bytes(digest, "little") / 2.0 ** (8 * _WORD_BYTES)
