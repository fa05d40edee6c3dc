"""Commands from the cloud as messages: what one must say, and what it is answered. Pure.

    {"id": "7f3a", "variable": "MAIN.SetPoint", "value": 5.0, "ttl_ms": 2000, "user": "ada"}
    {"id": "7f3a", "token": "…"}                    the second step of a command that asks for one

Times become CLOCK_MONOTONIC at once, so that a wall clock that is set later expires nothing.
"""

import datetime as dt
import enum
import json
from dataclasses import dataclass
from typing import Final

from gateway.config import COMMAND_BYTES_MAX, COMMAND_LIFE_NS
from runtime.datatypes.values import Json

NAME_MAX: Final = 64
"""Characters of an id, a user or a token."""
_MS_NS: Final = 1_000_000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_KEYS: Final = {"id", "variable", "value", "expires", "ttl_ms", "user"}
_REQUIRED: Final = {"id", "variable", "value"}
_CONFIRMATION: Final = {"id", "token"}
_CONFIRMATION_KEYS: Final = {*_CONFIRMATION, "user"}


class Reason(enum.StrEnum):
    """Why a command is refused: the word in its answer, the audit log and the metrics."""

    MALFORMED = "malformed"
    RETAINED = "retained"
    """A broker's copy of an old message, not a command of now."""
    TOO_FAST = "too-fast"
    EXPIRED = "expired"
    DOUBLED = "doubled"
    NOT_ALLOWED = "not-allowed"
    UNKNOWN = "unknown-variable"
    READ_ONLY = "read-only"
    VALUE = "value"
    """Of another type than the variable, or outside of its bounds."""
    TOKEN = "token"  # noqa: S105  a word for the metrics
    NOT_RUNNING = "not-running"
    SUPERSEDED = "superseded"
    """Another gateway commands now: it holds the lease, or serves the image."""
    AUDIT = "audit"
    """The audit log cannot be written."""
    RUNTIME = "runtime"
    """The image takes no command, or its task refuses it."""


class RefusalError(Exception):
    """A command that is not carried out, and why."""

    def __init__(self, reason: Reason, text: str) -> None:
        """Refuse for a reason; the text names the value and what was expected."""
        super().__init__(text)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Command:
    """Set a variable to a value, before it is too late."""

    id: str
    variable: str
    """As the message has it; any case."""
    value: Json
    deadline_ns: int
    """CLOCK_MONOTONIC."""
    user: str = ""
    """Whom the sender names; the broker's accounts say who may send."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The token of a command that was asked for one."""

    id: str
    token: str
    user: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment on both clocks, in ns."""

    monotonic: int
    wall: int
    """Since 1970."""


def parse_command(payload: bytes, now: Moment) -> Command | Confirmation:
    """Return what a message asks for.

    Raises:
        RefusalError: It is malformed.
    """
    message = _decode(payload)
    keys = set(message)
    if "token" in keys:
        _check_keys(keys, _CONFIRMATION, _CONFIRMATION_KEYS)
        return Confirmation(_name(message, "id"), _name(message, "token"), _user(message))
    _check_keys(keys, _REQUIRED, _KEYS)
    command_id, variable = _name(message, "id"), message["variable"]
    if not isinstance(variable, str):
        raise _malformed(f"variable = {variable!r}: expected a path")
    deadline_ns = _deadline_ns(message, now)
    return Command(command_id, variable, message["value"], deadline_ns, _user(message))


def check_alive(deadline_ns: int, now_ns: int) -> None:
    """Make sure that a command has not expired.

    Raises:
        RefusalError: It has.
    """
    if now_ns >= deadline_ns:
        late_ms = (now_ns - deadline_ns) // _MS_NS
        raise RefusalError(Reason.EXPIRED, f"expired {late_ms} ms ago")


def id_of(payload: bytes) -> str:
    """Return the id of a message for its answer, however bad the rest; empty where it has none."""
    try:
        return _name(_decode(payload), "id")
    except RefusalError:
        return ""


def _decode(payload: bytes) -> dict[str, Json]:
    if len(payload) > COMMAND_BYTES_MAX:
        raise _malformed(f"{len(payload)} bytes: expected {COMMAND_BYTES_MAX} at most")
    try:
        message = json.loads(payload, object_pairs_hook=_object, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"not JSON ({error})") from None
    if not isinstance(message, dict):
        raise _malformed("expected one JSON object")
    return message


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _constant(name: str) -> Json:
    raise ValueError(f"{name} is no number of JSON")


def _check_keys(keys: set[str], required: set[str], known: set[str]) -> None:
    missing, unknown = sorted(required - keys), sorted(keys - known)
    if missing:
        raise _malformed(f"{missing[0]}: absent, expected a value")
    if unknown:
        raise _malformed(f"{unknown[0][:NAME_MAX]}: expected one of {', '.join(sorted(known))}")


def _name(message: dict[str, Json], key: str) -> str:
    value = message.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= NAME_MAX or not value.isprintable():
        raise _malformed(f"{key}: expected 1 to {NAME_MAX} printable characters")
    return value


def _user(message: dict[str, Json]) -> str:
    return _name(message, "user") if "user" in message else ""


def _deadline_ns(message: dict[str, Json], now: Moment) -> int:
    if ("expires" in message) == ("ttl_ms" in message):
        raise _malformed("expected expires or ttl_ms, one of them")
    if "ttl_ms" in message:
        ttl = message["ttl_ms"]
        if isinstance(ttl, bool) or not isinstance(ttl, int) or ttl <= 0:
            raise _malformed("ttl_ms: expected a whole number of milliseconds above 0")
        left_ns = ttl * _MS_NS
    else:
        left_ns = _since_1970_ns(message["expires"]) - now.wall
    if left_ns > COMMAND_LIFE_NS:
        limit_s = COMMAND_LIFE_NS // 1_000_000_000
        raise _malformed(f"expires in {left_ns / 1e9:.0f} s: expected {limit_s} s at most")
    return now.monotonic + left_ns


def _since_1970_ns(text: Json) -> int:
    expected = "expires: expected a time with its zone, as 2026-01-31T12:00:00Z"
    if not isinstance(text, str):
        raise _malformed(expected)
    try:
        time = dt.datetime.fromisoformat(text)
        if time.tzinfo is None:
            raise _malformed(expected)
        return (time - _EPOCH) // dt.timedelta(microseconds=1) * 1000
    except (ValueError, OverflowError):
        raise _malformed(expected) from None


def _malformed(text: str) -> RefusalError:
    return RefusalError(Reason.MALFORMED, text)
