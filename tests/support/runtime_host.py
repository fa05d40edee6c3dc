"""A runtime process around the hand-made program: `python -m tests.support.runtime_host …`.

It reads the project's first sections from the arguments and its I/O from standard input, and can
start a thread that never lets go of the interpreter for longer than it is made to.
"""

import argparse
import sys
import threading
import time

from runtime.app.process import serve
from runtime.errors import TaktError
from runtime.log import configure_logging
from tests.support.handmade import handmade_program, handmade_project


def hog() -> None:
    """Compute without end, holding the interpreter's lock."""
    number = 1
    while True:
        number = number * 48271 % 2147483647


def main() -> int:
    """Run until SIGTERM; return the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--interval", default="10ms")
    parser.add_argument("--burn", type=int, default=0)
    parser.add_argument("--hog", action="store_true")
    arguments = parser.parse_args()
    configure_logging()
    project = handmade_project(sys.stdin.read(), arguments.name, arguments.interval)
    if arguments.hog:
        threading.Thread(target=hog, daemon=True).start()
    begun_ns = time.monotonic_ns()
    try:
        return serve(project, handmade_program(burn=arguments.burn), begun_ns)
    except TaktError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
