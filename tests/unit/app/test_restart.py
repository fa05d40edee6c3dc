"""The table of modes, and the control socket with peers that misbehave."""

import socket
import threading
from pathlib import Path

import pytest

from runtime.app.control import ControlServer, give
from runtime.app.process import alone
from runtime.engine.modes import TRANSITIONS, Happening, after
from runtime.errors import HostError
from runtime.image.layout import Mode
from runtime.image.orders import (
    ALL,
    Addressed,
    Order,
    Restart,
    Switch,
    chosen,
    control_path,
    decode_order,
    encode_order,
    refusal,
)

ORDERS: tuple[Order, ...] = (*Restart, *Switch)


def serving(image: Path) -> ControlServer:
    """Return a server whose orders are answered at once."""
    server = ControlServer(control_path(image), lambda: answer(server))
    return server


def answer(server: ControlServer) -> None:
    assert server.order is not None
    server.answer({"done": server.order.value})


def test_an_order_is_answered_by_who_carries_it_out(tmp_path: Path) -> None:
    image = tmp_path / "takt-0-plant.image"
    with serving(image) as server:
        for order in ORDERS:
            assert give(image, order) == {"done": order.value}
        assert server.order is None
    assert not control_path(image).exists()


def test_a_socket_deep_in_folders_is_reached(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 100) / ("b" * 100)
    folder.mkdir(parents=True)
    with serving(folder / "x.image"):
        assert give(folder / "x.image", Restart.HOT) == {"done": "hot"}


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\n",
        b"[1]\n",
        b'{"restart": "red"}\n',
        b'{"restart": ["hot"]}\n',
        b'{"stop": false}\n',
        b'{"stop": true, "instance": 3}\n',
        b'{"stop": true, "start": true}\n',
        b"x" * 5000,
    ],
)
def test_what_is_no_order_is_refused_and_the_next_one_obeyed(tmp_path: Path, sent: bytes) -> None:
    image = tmp_path / "x.image"
    with serving(image):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(5)
            peer.connect(str(control_path(image)))
            peer.sendall(sent)
            peer.shutdown(socket.SHUT_WR)
            assert b"not an order" in peer.recv(4096)
        assert give(image, Restart.WARM) == {"done": "warm"}


def test_only_its_user_may_give_orders(tmp_path: Path) -> None:
    with serving(tmp_path / "x.image"):
        assert (tmp_path / "x.control").stat().st_mode & 0o777 == 0o600


def test_an_order_whose_sender_has_left_is_not_carried_out(tmp_path: Path) -> None:
    image = tmp_path / "x.image"
    carried_out: list[Order | None] = []

    def note() -> None:
        carried_out.append(server.order)
        server.answer({})

    server = ControlServer(control_path(image), note)
    with server, socket.socket(socket.AF_UNIX) as before, socket.socket(socket.AF_UNIX) as gone:
        before.connect(str(control_path(image)))  # who says nothing keeps the next one waiting
        gone.connect(str(control_path(image)))
        gone.sendall(encode_order(Restart.COLD))
        gone.close()
        before.close()
        give(image, Switch.STOP)
    assert carried_out == [Switch.STOP]


def test_who_waits_when_the_runtime_stops_is_told(tmp_path: Path) -> None:
    image = tmp_path / "x.image"
    waiting = threading.Event()
    refused: list[str] = []

    def ask() -> None:
        with pytest.raises(HostError) as raised:
            give(image, Restart.HOT)
        refused.append(str(raised.value))

    asking = threading.Thread(target=ask)
    with ControlServer(control_path(image), waiting.set):
        asking.start()
        assert waiting.wait(5)
    asking.join(5)
    assert "the runtime stops" in refused[0]


def test_every_mode_can_be_stopped_and_prepared_and_a_fault_ends_by_a_restart() -> None:
    for mode in Mode:
        assert after(mode, Happening.STOPPED) is Mode.STOPPED
        assert after(mode, Happening.PREPARED) is Mode.READY
    assert after(after(Mode.FAULTED, Happening.PREPARED), Happening.RELEASED) is Mode.RUNNING
    assert (Mode.FAULTED, Happening.RELEASED) not in TRANSITIONS


def test_every_order_is_read_as_it_was_written() -> None:
    for order in ORDERS:
        for instance in (None, "press_3", ALL):
            assert decode_order(encode_order(order, instance)) == Addressed(order, instance)


def test_an_order_is_for_the_only_plc_the_named_one_or_all() -> None:
    many = ("press_1", "press_2", "press_3")
    assert chosen(None, ("press",)) == ("press",)
    assert chosen("press_2", many) == ("press_2",)
    assert chosen(ALL, many) == many
    assert chosen(None, many) == ("it runs as 3 PLCs: expected one of press_1 to press_3, or all")
    assert chosen("press_4", many) == (
        "press_4 does not run here: expected one of press_1 to press_3, or all"
    )
    assert chosen("mixer", ("press",)) == "mixer does not run here: expected press"


def test_only_what_runs_is_stopped_and_only_what_was_stopped_is_started() -> None:
    allowed = {(order, mode) for order in Switch for mode in Mode if refusal(order, mode) is None}
    assert allowed == {
        (Switch.STOP, Mode.READY), (Switch.STOP, Mode.RUNNING), (Switch.START, Mode.STOPPED),
    }  # fmt: skip
    assert not any(refusal(kind, mode) for kind in Restart for mode in Mode)
    assert refusal(Switch.START, Mode.RUNNING) == "it is RUNNING: expected STOPPED to start it"


def test_an_order_that_makes_no_sense_now_never_reaches_the_main_thread(tmp_path: Path) -> None:
    image = tmp_path / "x.image"

    def wake() -> None:
        raise AssertionError("woken")

    def refuse(asked: Addressed) -> str:
        return f"no {asked.order.value} today"

    with (
        ControlServer(control_path(image), wake, refuse),
        pytest.raises(HostError, match="no start today"),
    ):
        give(image, Switch.START)


def test_a_runtime_keeps_others_away_or_says_why_it_cannot(tmp_path: Path) -> None:
    image = tmp_path / "takt-0-plant.image"
    with alone(image), pytest.raises(HostError, match="held by another runtime"), alone(image):
        pass
    with (
        pytest.raises(HostError, match="cannot be written"),
        alone(tmp_path / "absent" / "x.image"),
    ):
        pass
