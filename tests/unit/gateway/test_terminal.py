"""Serial lines as the operating system has them: what it refuses is told in words."""

import asyncio
import os
from dataclasses import replace

import pytest

from gateway.terminal import TerminalSettings, open_terminal
from tests.support.pty_pair import pty_pair


def test_a_line_that_does_not_take_its_settings_says_which() -> None:
    """A pseudo terminal has no parity: the system refuses it once the rest is as wanted."""
    settings = TerminalSettings("", 9600, "even", 1)

    async def scenario() -> None:
        with pty_pair() as line:
            os.close(open_terminal(replace(settings, path=line.near, parity="none")))
            open_terminal(replace(settings, path=line.near))

    expected = "does not take 9600 baud, 8 data bits, even parity, 1 stop bit"
    with pytest.raises(OSError, match=expected):
        asyncio.run(scenario())
