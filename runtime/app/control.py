"""Orders to a running runtime: a Unix socket beside its image, outside the scan.

    takt restart ──{"restart": "hot"}──► control thread ──► main thread does it
                 ◄──{"restarted": …}────                ◄──

One order at a time, in the lines of `image.orders`. One whose sender waits no longer, because this
process stood meanwhile, is dropped, as its sender was told. The socket's file has mode 0600: who
may read the image may give orders. The scan knows nothing of it.
"""

import contextlib
import select
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from runtime.errors import HostError
from runtime.image.orders import (
    ANSWER_S,
    LINE_BYTES_MAX,
    PEER_S,
    Addressed,
    Answer,
    Order,
    Restart,
    control_path,
    decode_answer,
    decode_order,
    encode_answer,
    encode_order,
    short_name,
    unreachable,
)

_EXPECTED: Final = (
    'not an order: expected {"restart": KIND} with one of '
    f'{", ".join(item.value for item in Restart)}, {{"stop": true}} or {{"start": true}}'
)

_WAITING_MAX: Final = 16
"""Orders that wait for the one before them; more are refused."""


class ControlServer:
    """Takes orders for the block; the main thread fetches them and answers."""

    def __init__(
        self,
        path: Path,
        wake: Callable[[], None],
        refusal: Callable[[Addressed], str | None] = lambda _order: None,
    ) -> None:
        """Listen nowhere yet.

        Args:
            path: Of the socket.
            wake: Tells the main thread that an order waits.
            refusal: Returns why an order cannot be carried out now, None where it can.
        """
        self._path, self._wake, self._refusal = path, wake, refusal
        self._order: Addressed | None = None
        self._answer: Answer = {}
        self._answered = threading.Event()
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)

    def __enter__(self) -> Self:
        """Listen. The caller makes sure that no other runtime of the project does.

        Raises:
            HostError: The socket cannot be made.
        """
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._path.unlink(missing_ok=True)
            with short_name(self._path) as name:
                self._socket.bind(name)
            self._path.chmod(0o600)
            self._socket.listen(_WAITING_MAX)
        except OSError as error:
            self._socket.close()
            text = f"{self._path}: no control socket can be made ({error.strerror})"
            raise HostError(text) from None
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        self._path.unlink(missing_ok=True)
        self.answer({"error": "the runtime stops"})
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    @property
    def order(self) -> Order | None:
        """The order that waits for its answer, None without one."""
        return None if self._order is None else self._order.order

    @property
    def addressed(self) -> Addressed | None:
        """The same with the PLC that it is for."""
        return self._order

    def answer(self, answer: Answer) -> None:
        """Answer the order that waits; without one it does nothing."""
        if self._order is not None:
            self._order, self._answer = None, answer
            self._answered.set()

    def _run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return  # shut down
            with peer, contextlib.suppress(OSError):
                peer.settimeout(PEER_S)
                line = _read_line(peer)
                if not _has_left(peer):
                    peer.sendall(encode_answer(self._obeyed(line)))

    def _obeyed(self, line: bytes) -> Answer:
        """Let the main thread carry an order out; return its answer."""
        order = decode_order(line)
        if order is None:
            return {"error": _EXPECTED}
        refused = self._refusal(order)
        if refused is not None:
            return {"error": refused}
        self._answered.clear()
        self._order = order
        self._wake()
        if not self._answered.wait(ANSWER_S):
            self._order = None
            return {"error": f"no answer for {ANSWER_S:g} s: it starts or stops"}
        return self._answer


def give(image: Path, order: Order, instance: str | None = None) -> Answer:
    """Give the runtime of an image an order; return what it says when it is done.

    Args:
        image: The image of the project, which need not be there where it runs as many PLCs.
        order: What to do.
        instance: The PLC to do it with, or `orders.ALL`; None where there is but one.

    Raises:
        HostError: No runtime takes orders there, or it refuses.
    """
    path = control_path(image)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_S + PEER_S)
        try:
            with short_name(path) as name:
                connection.connect(name)
            connection.sendall(encode_order(order, instance))
            line = _read_line(connection)
        except OSError as error:
            raise unreachable(image, error) from None
    return decode_answer(line, image)


def _has_left(peer: socket.socket) -> bool:
    """Return whether a peer has closed its end: it was killed, or has given up."""
    poll = select.poll()
    poll.register(peer, 0)
    return any(events & select.POLLHUP for _, events in poll.poll(0))


def _read_line(peer: socket.socket) -> bytes:
    """Return what a peer sends up to the end of a line or of the connection."""
    line = b""
    while not line.endswith(b"\n") and len(line) < LINE_BYTES_MAX:
        part = peer.recv(LINE_BYTES_MAX - len(line))
        if not part:
            break
        line += part
    return line
