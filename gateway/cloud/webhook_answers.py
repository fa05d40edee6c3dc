"""What an HTTP answer means for the samples of its request. Pure.

    2xx                    taken
    408 409 425 429 5xx    not now: again, no sooner than `Retry-After` says
    400 413 422            these samples will not do: kept, offered again, others go on meanwhile
    all else               somebody has to set something right, here or there: again, all of it

Nothing is ever given up: a batch that is well formed and refused is the receiver's to put right.
"""

import base64
import email.utils
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from gateway.cloud.seam import RefusedError, UplinkError

_SUCCESS: Final = range(200, 300)
_REDIRECTION: Final = range(300, 400)
_CONTENT: Final = {400, 413, 422}
_EXCERPT: Final = 200
_SECRET_MIN: Final = 4
"""Characters from which the value of a header is one that an answer cannot have by chance."""
_LOGIN: Final = {401: "the login is wrong or missing", 403: "the login may not do this"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    reason: str
    retry_after: str
    """As it stands in the header, empty where there is none."""
    body: bytes


def judge(answer: Answer, secrets: tuple[str, ...], now: datetime) -> UplinkError | None:
    """Return what is wrong, None where the samples were taken.

    Args:
        answer: The answer.
        secrets: What an answer may repeat and a log must not.
        now: For an answer that tells a date; with its zone.
    """
    if answer.status in _SUCCESS:
        return None
    text = f"HTTP {answer.status} {shown(answer.reason, secrets)}".rstrip()
    if answer.status in _REDIRECTION:
        return UplinkError(f"{text}: redirections are not followed; expected the address in url")
    said = _LOGIN.get(answer.status) or shown(answer.body.decode("utf-8", "replace"), secrets)
    text = f"{text}: {said}" if said else text
    if answer.status in _CONTENT:
        return RefusedError(text)
    return UplinkError(text, seconds_of(answer.retry_after, now))


def seconds_of(retry_after: str, now: datetime) -> float:
    """Return the wait that a header Retry-After asks for, 0 where it is none (RFC 9110, 10.2.3)."""
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after)
    try:
        date = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def secrets_of(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return what headers hold that must not be shown: their values, a token, a password."""
    found = {value for value in headers.values() if len(value) >= _SECRET_MIN}
    scheme, _, login = headers.get("Authorization", "").partition(" ")
    if scheme == "Basic":
        found.add(base64.b64decode(login).decode().partition(":")[2])
    return tuple(sorted({*found, login} - {""}))


def shown(text: str, secrets: tuple[str, ...]) -> str:
    """Return what a server says as one short line for a log; not what repeats a secret."""
    if any(secret in text for secret in secrets):
        return "(an answer that repeats a secret)"
    line = " ".join(text.split())
    line = "".join(character if character.isprintable() else "?" for character in line)
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1] + "…"
