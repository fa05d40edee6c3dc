"""Run a command that ends with its parent: `python -I -S leash.py PARENT_PID COMMAND...`.

The kernel sends SIGTERM to a process that asked for it (PR_SET_PDEATHSIG) when the thread that
started it ends, however it ends; the wish survives exec. So a supervisor that is killed leaves no
orphans, and they still stop in good order, outputs at their safe values. A script of its own,
because code between fork and exec is unsafe in a process with threads. It needs no import of
Takt and costs about 20 ms.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask for the signal, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        sys.exit(f"leash: prctl failed: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:  # it ended before the kernel knew of the wish
        sys.exit(f"leash: the parent {parent} is gone")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
