"""What answers of HTTP mean for samples, and what of them a log may show."""

import base64
from datetime import UTC, datetime

import pytest

from gateway.cloud.seam import RefusedError, UplinkError
from gateway.cloud.webhook_answers import Answer, judge, seconds_of, secrets_of

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


def told(status: int, *, body: bytes = b"", retry_after: str = "") -> UplinkError | None:
    return judge(Answer(status, "Reason", retry_after, body), (), NOW)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_success_takes_the_samples(status: int) -> None:
    assert told(status) is None


@pytest.mark.parametrize("status", [400, 413, 422])
def test_samples_that_will_not_do_are_refused(status: int) -> None:
    error = told(status, body=b"no column\nPressure")
    assert isinstance(error, RefusedError)
    assert str(error) == f"HTTP {status} Reason: no column Pressure"


@pytest.mark.parametrize("status", [401, 403, 404, 405, 407, 410, 415, 451])
def test_what_somebody_must_set_right_is_no_refusal_of_samples(status: int) -> None:
    error = told(status)
    assert isinstance(error, UplinkError)
    assert not isinstance(error, RefusedError)


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504])
def test_an_answer_that_means_later_says_how_much_later(status: int) -> None:
    error = told(status, retry_after="7")
    assert error is not None
    assert not isinstance(error, RefusedError)
    assert error.retry_after_s == 7.0


def test_a_redirection_is_told_as_one() -> None:
    assert str(told(302)) == (
        "HTTP 302 Reason: redirections are not followed; expected the address in url"
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0.0),
        ("120", 120.0),
        ("-5", 0.0),
        ("1.5", 0.0),
        ("soon", 0.0),
        ("²", 0.0),
        ("Sat, 31 Jan 2026 12:01:30 GMT", 90.0),
        ("Sat, 31 Jan 2026 11:00:00 GMT", 0.0),
        ("Sat, 31 Jan 2026 12:00:10 -0000", 10.0),
    ],
)
def test_a_wait_is_told_in_seconds_or_as_a_date(text: str, seconds: float) -> None:
    assert seconds_of(text, NOW) == seconds


def test_an_answer_that_repeats_a_secret_is_not_shown() -> None:
    login = base64.b64encode(b"takt:open sesame").decode()
    secrets = secrets_of({"Authorization": f"Basic {login}", "X-Key": "1234567", "X-Tenant": "7"})
    for repeated in ("open sesame", login, "1234567"):
        error = judge(Answer(401, "No", "", repeated.encode()), secrets, NOW)
        refused = judge(Answer(400, repeated, "", repeated.encode()), secrets, NOW)
        assert repeated not in f"{error} {refused}"
    assert "7 of 7" in str(judge(Answer(400, "No", "", b"7 of 7"), secrets, NOW))


def test_an_answer_is_shown_as_one_short_line_of_text() -> None:
    error = told(500, body=b"\x1b[31m\xff" + b"x" * 1000)
    text = str(error)
    assert text.isprintable()
    assert len(text) < 250
