"""Commands from the cloud: what a message must say, what rules let pass, and what is remembered."""

import datetime as dt
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.config import COMMAND_BYTES_MAX, COMMAND_LIFE_NS, COMMAND_QUEUE
from gateway.flow.command_rules import AllowList, SeenIds, Tokens, find_single, fitting_value
from gateway.flow.commands import (
    Command,
    Confirmation,
    Moment,
    Reason,
    RefusalError,
    check_alive,
    id_of,
    parse_command,
)
from runtime import audit
from runtime.artifact.program import Symbol
from runtime.audit import AuditLog
from runtime.datatypes.derived import Array, Field, Structure
from runtime.datatypes.elementary import ELEMENTARY
from runtime.datatypes.texts import text_type
from runtime.datatypes.values import Json
from runtime.errors import ProjectError
from runtime.project.uplinks import CommandRule
from tests.support.cloud_plant import cloud_project

SECOND = 1_000_000_000
NOW = Moment(monotonic=50 * SECOND, wall=1_800_000_000 * SECOND)
WHOLE = {"id": "a", "variable": "MAIN.X", "value": 1, "ttl_ms": 100}
INT, REAL = ELEMENTARY["INT"], ELEMENTARY["REAL"]


def refusal(payload: bytes) -> str:
    with pytest.raises(RefusalError) as caught:
        parse_command(payload, NOW)
    assert caught.value.reason is Reason.MALFORMED
    return str(caught.value)


def test_time_to_live_runs_from_the_arrival() -> None:
    command = parse_command(json.dumps(WHOLE).encode(), NOW)
    assert command == Command("a", "MAIN.X", 1, NOW.monotonic + SECOND // 10)


def test_an_expiry_becomes_a_time_that_setting_the_clock_does_not_move() -> None:
    expires = dt.datetime.fromtimestamp(NOW.wall // SECOND + 7, dt.UTC)
    for zone in (dt.UTC, dt.timezone(dt.timedelta(hours=-5))):
        message = {"id": "a", "variable": "X", "value": 1, "user": "ada"}
        message["expires"] = expires.astimezone(zone).isoformat()
        command = parse_command(json.dumps(message).encode(), NOW)
        assert command == Command("a", "X", 1, NOW.monotonic + 7 * SECOND, "ada")


def test_a_command_is_dead_from_its_deadline_on() -> None:
    check_alive(100, 99)
    with pytest.raises(RefusalError) as caught:
        check_alive(100, 100)
    assert caught.value.reason is Reason.EXPIRED


@pytest.mark.parametrize(
    "change",
    [
        {"id": ""}, {"id": 7}, {"id": "x" * 65}, {"id": "a\nb"}, {"variable": 1}, {"user": ""},
        {"ttl_ms": 0}, {"ttl_ms": True}, {"ttl_ms": 1.5}, {"ttl_ms": COMMAND_LIFE_NS // 10**6 + 1},
        {"expires": "2027-01-15T08:00:00Z"}, {"priority": 1}, {"token": "t"},
    ],
)  # fmt: skip
def test_a_message_with_a_wrong_key_or_value_is_malformed(change: dict[str, Json]) -> None:
    assert refusal(json.dumps({**WHOLE, **change}).encode())


@pytest.mark.parametrize("expires", ["soon", "2027-01-15T08:00:00", "9999-12-31T23:59:59-23:59", 5])
def test_an_expiry_without_zone_or_sense_is_malformed(expires: Json) -> None:
    message = {"id": "a", "variable": "X", "value": 1, "expires": expires}
    assert "expires" in refusal(json.dumps(message).encode())


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"\xff", b"[" * 4000, b'{"id":"a","id":"b"}', b'{"id":"a","value":NaN}',
     b" " * (COMMAND_BYTES_MAX + 1)],
)  # fmt: skip
def test_what_is_no_message_at_all_is_malformed(payload: bytes) -> None:
    refusal(payload)
    assert id_of(payload) == ""


def test_a_malformed_message_is_answered_under_its_id() -> None:
    assert id_of(b'{"id": "a", "what": 1}') == "a"


def symbols() -> list[Symbol]:
    inner = Structure("T", (Field("A", 0, INT), Field("B", 4, REAL)), 8, 4, is_union=False)
    return [
        Symbol("MAIN.X", 0, INT),
        Symbol("MAIN.XS", 8, Array(((1, 2), (-1, 1)), inner)),
        Symbol("SHOWN", 0, INT, direction="READ_ONLY"),
        Symbol("LAMP", 90, ELEMENTARY["BOOL"], 3),
    ]


def test_elements_and_members_are_found_at_their_places() -> None:
    assert find_single(symbols(), "main.xs[2,-1].b") == Symbol(
        "MAIN.XS[2,-1].B", 8 + 3 * 8 + 4, REAL
    )
    assert find_single(symbols(), "lamp").bit == 3


@pytest.mark.parametrize(
    "path", ["MAIN.XS", "MAIN.XS[1,2].A", "MAIN.XS[1].A", "MAIN.XS[1,1].C", "MAIN.Y", "MAIN.X.A"]
)
def test_what_is_no_single_value_is_unknown(path: str) -> None:
    with pytest.raises(RefusalError) as caught:
        find_single(symbols(), path)
    assert caught.value.reason is Reason.UNKNOWN


def test_a_name_that_var_access_makes_read_only_is_refused() -> None:
    with pytest.raises(RefusalError) as caught:
        find_single(symbols(), "Shown")
    assert caught.value.reason is Reason.READ_ONLY


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (INT, 32_768), (INT, 1.0), (INT, True), (INT, "1"), (INT, None), (INT, [1]),
        (REAL, 1e39), (REAL, "NaN"), (REAL, 10**400), (REAL, 10.1), (REAL, -0.1),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_type_and_bounds_is_refused(kind: object, value: Json) -> None:
    rule = CommandRule(variable="X", min=0, max=10)
    with pytest.raises(RefusalError) as caught:
        fitting_value(Symbol("X", 0, kind), rule, value)  # type: ignore[arg-type]
    assert caught.value.reason is Reason.VALUE


def test_bounds_belong_to_what_they_allow() -> None:
    rule = CommandRule(variable="X", min=0, max=10)
    assert [fitting_value(Symbol("X", 0, INT), rule, value) for value in (0, 10)] == [0, 10]


def test_a_text_that_would_be_cut_is_refused() -> None:
    symbol = Symbol("X", 0, text_type("STRING", 3))
    rule = CommandRule(variable="X")
    assert fitting_value(symbol, rule, "abc") == "abc"
    with pytest.raises(RefusalError):
        fitting_value(symbol, rule, "abcd")


def test_only_what_a_rule_names_is_allowed() -> None:
    allowed = AllowList([CommandRule(variable="Main.X")])
    assert allowed.rule("MAIN.x").variable == "Main.X"
    with pytest.raises(RefusalError) as caught:
        allowed.rule("MAIN.XY")
    assert caught.value.reason is Reason.NOT_ALLOWED


def test_an_id_is_remembered_with_its_outcome_as_long_as_a_command_can_live() -> None:
    seen = SeenIds()
    seen.add("a", 0)
    seen.settle("a", "applied")
    with pytest.raises(RefusalError, match="applied"):
        seen.add("a", COMMAND_LIFE_NS - 1)
    seen.add("a", COMMAND_LIFE_NS)


def test_a_token_works_once_and_not_after_the_deadline() -> None:
    tokens = Tokens(iter(["t1", "t2"]).__next__)
    for number in (1, 2):
        tokens.ask(Command(f"c{number}", "X", 1, deadline_ns=100), 0)
    assert tokens.redeem(Confirmation("c1", "t1"), 99).id == "c1"
    for confirmation, now, reason in (
        (Confirmation("c1", "t1"), 99, Reason.TOKEN),
        (Confirmation("c2", "t1"), 99, Reason.TOKEN),
        (Confirmation("c2", "\u00e9"), 99, Reason.TOKEN),
        (Confirmation("c2", "t2"), 100, Reason.EXPIRED),
    ):
        with pytest.raises(RefusalError) as caught:
            tokens.redeem(confirmation, now)
        assert caught.value.reason is reason


def test_tokens_that_are_asked_for_are_bounded_and_expired_ones_make_room() -> None:
    tokens = Tokens(lambda: "t")
    for number in range(COMMAND_QUEUE):
        tokens.ask(Command(str(number), "X", 1, deadline_ns=100), 0)
    with pytest.raises(RefusalError):
        tokens.ask(Command("more", "X", 1, deadline_ns=100), 99)
    assert tokens.ask(Command("more", "X", 1, deadline_ns=200), 100) == "t"


def test_the_audit_log_is_appended_by_its_owner_only_and_survives_a_torn_line(
    tmp_path: Path,
) -> None:
    log = AuditLog(tmp_path / "log.jsonl")
    assert list(log.tail()) == []
    log.append({"id": "a"})
    with log.path.open("ab") as file:
        file.write(b'{"id": "to')
    log.path.chmod(0o644)
    log.append({"id": "b"})
    assert [record["id"] for record in log.tail()] == ["a", "b"]
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600


def test_the_audit_log_begins_new_files_and_keeps_a_bounded_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "AUDIT_FILE_BYTES", 100)
    monkeypatch.setattr(audit, "AUDIT_FILES_KEPT", 3)
    log = AuditLog(tmp_path / "log.jsonl")
    for number in range(100):
        log.append({"id": f"command {number:03}"})
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["log.jsonl", "log.jsonl.1", "log.jsonl.2", "log.jsonl.3"]
    assert all(path.stat().st_size < 100 + 25 for path in tmp_path.iterdir())
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in tmp_path.iterdir())
    newest = [record["id"] for record in log.tail()]
    assert newest == [f"command {number:03}" for number in range(100 - len(newest), 100)]
    assert (
        len(newest) == len("".join(path.read_text() for path in tmp_path.iterdir()).split("\n")) - 1
    )


def test_two_processes_that_fill_one_audit_log_lose_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "AUDIT_FILE_BYTES", 200)
    monkeypatch.setattr(audit, "AUDIT_FILES_KEPT", 100)
    logs = [AuditLog(tmp_path / "log.jsonl") for _ in range(2)]

    def fill(who: int) -> None:
        for number in range(50):
            logs[who].append({"id": f"{who} {number}"})

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(fill, range(2)))
    found = [str(record["id"]) for record in logs[0].tail()]
    for who in range(2):
        own = [text for text in found if text.startswith(f"{who} ")]
        assert sorted(own) == sorted(f"{who} {number}" for number in range(50))


def test_a_full_audit_log_that_cannot_be_renamed_takes_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "AUDIT_FILE_BYTES", 10)
    monkeypatch.setattr(audit, "AUDIT_FILES_KEPT", 1)
    log = AuditLog(tmp_path / "log.jsonl")
    log.append({"id": "a command"})
    (tmp_path / "log.jsonl.1").mkdir()
    with pytest.raises(OSError, match="directory"):
        log.append({"id": "b"})
    assert log.path.read_text().count("\n") == 1


def test_the_audit_log_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        AuditLog(tmp_path / "log.jsonl").append({"id": "a"})
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("kind", "rules", "expected"),
    [
        ("mqtt", 'variable = "A"\nmin = 2\nmax = 1', "min not above max"),
        (
            "jetstream",
            'variable = "A"\n[[uplink.command]]\nvariable = "a"',
            "one [[uplink.command]]",
        ),
        ("mqtt", 'variable = "A"\nmin = nan', "finite number"),
        ("postgresql", 'variable = "A"', "known keys"),
        ("mqtt", 'variable = "A"\nconfirmed = true', "known keys (confirm, max, min, variable)"),
    ],
)
def test_rules_that_make_no_sense_are_told(
    tmp_path: Path, kind: str, rules: str, expected: str
) -> None:
    toml = f'[[uplink]]\nname = "u"\nkind = "{kind}"\n[[uplink.command]]\n{rules}\n'
    with pytest.raises(ProjectError) as caught:
        cloud_project(tmp_path, toml)
    assert expected in str(caught.value)
