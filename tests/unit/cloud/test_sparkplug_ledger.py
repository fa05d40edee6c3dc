"""What `takt cloud` makes of Sparkplug messages: an account of each node."""

from gateway.flow.sparkplug_ledger import NodeLedger, is_sparkplug
from gateway.protocols.sparkplug.node import NodeMessage, Report
from tests.unit.cloud.test_sparkplug import NOW, data, plant


def told(*messages: NodeMessage) -> NodeLedger:
    """Return a ledger that has heard of messages."""
    ledger = NodeLedger()
    for message in messages:
        assert ledger.take(message.topic, message.payload)
    return ledger


def test_births_deaths_and_values_of_a_node_are_counted() -> None:
    node = plant()
    messages = [
        *node.births(NOW),
        *data(node, Report("A", 1, NOW), Report("T.LEVEL", 1, NOW)),
        *data(node, Report("A", 1, NOW - 9), historical=True),
        *node.link("pump", NOW, up=False),
    ]
    assert told(*messages).as_json() == {
        "plant/press": {
            "online": True, "devices": ["tank"], "births": 3, "deaths": 1, "messages": 7,
            "values": 3, "historical": 1, "missing": 0,
        }
    }  # fmt: skip
    (account,) = told(*messages, node.death(NOW)).accounts.values()
    assert (account.online, account.deaths) == (set(), 2)


def test_messages_that_are_missing_show_by_their_numbers() -> None:
    node = plant()
    births = node.births(NOW)
    sent = [data(node, Report("A", number, NOW))[0] for number in range(600)]
    (account,) = told(*births, *sent).accounts.values()
    assert account.missing == 0
    (account,) = told(*births, *sent[:10], *sent[13:300], *sent[301:]).accounts.values()
    assert account.missing == 4


def test_the_numbers_of_another_session_are_no_gap() -> None:
    node = plant()
    messages = [*node.births(NOW), *data(node, Report("A", 1, NOW)), node.death(NOW)]
    node.connecting(4, NOW)
    (account,) = told(*messages, *node.births(NOW), *node.births(NOW)).accounts.values()
    assert account.missing == 0


def test_what_no_node_sends_is_refused() -> None:
    ledger = NodeLedger()
    assert not ledger.take("spBv1.0/g/NDATA/n", b"{}")
    assert not ledger.take("spBv1.0/g/NDATA/n/d", b"")
    assert not ledger.take("spBv1.0/g/DDATA/n", b"")
    assert not ledger.take("spBv1.0/g", b"")
    assert not ledger.take("spBv1.0/g/TALK/n", b"")
    assert ledger.take("spBv1.0/STATE/scada", b'{"online": true, "timestamp": 1}')
    assert ledger.take("spBv1.0/g/NCMD/n", b"\xff")
    assert ledger.accounts == {}
    assert not is_sparkplug("takt/plant/live")
