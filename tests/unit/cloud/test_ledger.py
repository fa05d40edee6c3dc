"""A consumer's account: what is missing, what came twice, what came late."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.flow.ledger import Account, Ledger

BATCHES = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 6)), min_size=1, max_size=30)


@given(BATCHES)
def test_samples_missing_and_duplicates_add_up(batches: list[tuple[int, int]]) -> None:
    account, seen, twice = Account(), set[int](), 0
    for first, length in batches:
        numbers = set(range(first, first + length))
        fresh = account.take("live", (first, first + length))
        assert fresh.total == len(numbers - seen)
        twice += len(numbers & seen)
        seen |= numbers
    assert account.received.total == len(seen)
    assert account.duplicates == twice
    assert account.missing.total == max(seen) - min(seen) + 1 - len(seen)


def test_a_gap_is_told_by_its_first_and_last_number() -> None:
    account = Account()
    account.take("live", (1, 4))
    account.take("live", (10, 12))
    assert account.as_json() == {
        "samples": 5, "first": 1, "last": 11, "missing": 6, "gaps": [[4, 9]], "duplicates": 0,
        "out_of_order": 0,
    }  # fmt: skip


def test_lanes_have_an_order_each() -> None:
    account = Account()
    account.take("live", (10, 12))
    account.take("backlog", (1, 4))
    assert account.out_of_order == 0
    account.take("live", (8, 10))
    assert account.out_of_order == 1
    account.take("live", (8, 10))  # once more, as after a connection that broke
    assert account.out_of_order == 1


def test_streams_are_accounts_of_their_own() -> None:
    ledger = Ledger()
    ledger.take("a", "live", (1, 2))
    ledger.take("b", "live", (1, 3))
    assert {name: account.received.total for name, account in ledger.accounts.items()} == {
        "a": 1, "b": 2,
    }  # fmt: skip
