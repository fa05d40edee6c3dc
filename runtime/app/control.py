"""Orders to a running runtime: a Unix socket beside its image, outside the scan.

    takt restart ──{"restart": "hot"}──► control thread ──► main thread does it
                 ◄──{"restarted": …}────                ◄──

One order at a time. Each is a line of JSON, and so is its answer. The socket's file has mode 0600:
who may read the image may give orders. The scan knows nothing of it.
"""

import contextlib
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Self

from runtime.app.restart import Restart
from runtime.errors import HostError

LINE_BYTES_MAX: Final = 4096
"""Longest order and answer."""
PEER_S: Final = 1.0
"""Longest wait for the rest of an order."""
ANSWER_S: Final = 10.0
"""Longest wait for the main thread; a restart takes some 50 ms, a program's start is longer."""
Answer = dict[str, object]


def control_path(image: Path) -> Path:
    """Return where the socket of the runtime of an image stands."""
    return image.with_suffix(".control")


class ControlServer:
    """Takes orders for the block; the main thread fetches them and answers."""

    def __init__(self, path: Path, wake: Callable[[], None]) -> None:
        """Listen nowhere yet; `wake` tells the main thread that an order waits."""
        self._path, self._wake = path, wake
        self._order: Restart | None = None
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
            with _short(self._path) as name:
                self._socket.bind(name)
            self._path.chmod(0o600)
            self._socket.listen(1)
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
    def order(self) -> Restart | None:
        """The order that waits for its answer, None without one."""
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
                peer.sendall(_line(self._obeyed(_read_line(peer))))

    def _obeyed(self, line: bytes) -> Answer:
        """Let the main thread carry an order out; return its answer."""
        order = _parsed(line)
        if order is None:
            kinds = ", ".join(item.value for item in Restart)
            return {"error": f'not an order: expected {{"restart": KIND}} with one of {kinds}'}
        self._answered.clear()
        self._order = order
        self._wake()
        if not self._answered.wait(ANSWER_S):
            self._order = None
            return {"error": f"no answer for {ANSWER_S:g} s: it starts or stops"}
        return self._answer


def restart(image: Path, kind: Restart) -> Answer:
    """Order the runtime of an image to restart; return what it says of it.

    Raises:
        HostError: No runtime takes orders there, or it refuses.
    """
    path = control_path(image)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_S + PEER_S)
        try:
            with _short(path) as name:
                connection.connect(name)
            connection.sendall(_line({"restart": kind.value}))
            line = _read_line(connection)
            answer: Answer = json.loads(line)
        except OSError as error:
            raise HostError(
                f"{path}: no runtime takes orders ({error.strerror or error}); expected one that "
                "runs this project alone"
            ) from None
        except ValueError:
            raise HostError(f"{path}: the runtime ended before it answered") from None
    if "error" in answer:
        raise HostError(f"{path}: {answer['error']}")
    return answer


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give a name for a socket's path within the 107 bytes that Linux takes."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _line(content: Answer) -> bytes:
    return json.dumps(content).encode() + b"\n"


def _read_line(peer: socket.socket) -> bytes:
    """Return what a peer sends up to the end of a line or of the connection."""
    line = b""
    while not line.endswith(b"\n") and len(line) < LINE_BYTES_MAX:
        part = peer.recv(LINE_BYTES_MAX - len(line))
        if not part:
            break
        line += part
    return line


def _parsed(line: bytes) -> Restart | None:
    try:
        content = json.loads(line)
        return Restart(content["restart"])
    except (ValueError, KeyError, TypeError):
        return None
