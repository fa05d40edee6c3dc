"""`python -m gateway`: see `gateway.cli.main`."""

from gateway.cli.main import main

if __name__ == "__main__":
    main()
