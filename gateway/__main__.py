"""`python -m gateway`: see `gateway.cli.main`."""

import sys

if __name__ == "__main__":
    try:
        from gateway.cli.main import main

        main()
    except KeyboardInterrupt:  # Ctrl-C before anything runs
        sys.exit(130)
