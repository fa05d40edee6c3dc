"""The command `takt`, and `python -m runtime`: Ctrl-C ends it quietly from its first import on."""

import sys


def takt() -> None:
    """Load the command line and run it."""
    try:
        from runtime.cli.main import main

        main()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    takt()
