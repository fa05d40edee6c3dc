"""Serial lines as the operating system has them: opened, with speed and form of characters set."""

import errno
import os
import termios
from dataclasses import dataclass
from typing import Literal

Parity = Literal["none", "even", "odd"]


@dataclass(frozen=True, slots=True)
class TerminalSettings:
    """A line and how its characters look."""

    path: str
    baud: int
    parity: Parity
    stop_bits: int
    data_bits: int = 8


def open_terminal(settings: TerminalSettings) -> int:
    """Return an open file of the line, raw, whose reads and writes do not wait.

    Raises:
        OSError: It cannot be opened, is no terminal, or does not know the speed.
    """
    file = os.open(settings.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        _set_line(file, settings)
    except termios.error as error:
        os.close(file)
        number, reason = error.args
        raise OSError(number, f"does not take {_described(settings)} ({reason})") from None
    except OSError:
        os.close(file)
        raise
    return file


def _described(settings: TerminalSettings) -> str:
    parity = f"{settings.parity} parity" if settings.parity != "none" else "no parity"
    stop = f"{settings.stop_bits} stop bit" + "s" * (settings.stop_bits > 1)
    return f"{settings.baud} baud, {settings.data_bits} data bits, {parity}, {stop}"


def _set_line(file: int, settings: TerminalSettings) -> None:
    speed = getattr(termios, f"B{settings.baud}", None)
    if speed is None:
        raise OSError(errno.EINVAL, f"{settings.baud} baud: not a speed of terminals")
    control = termios.CREAD | termios.CLOCAL
    control |= termios.CS7 if settings.data_bits == 7 else termios.CS8  # noqa: PLR2004
    if settings.parity != "none":
        control |= termios.PARENB
    if settings.parity == "odd":
        control |= termios.PARODD
    if settings.stop_bits == 2:  # noqa: PLR2004
        control |= termios.CSTOPB
    characters = termios.tcgetattr(file)[6]
    termios.tcsetattr(file, termios.TCSANOW, [0, 0, control, 0, speed, speed, characters])
