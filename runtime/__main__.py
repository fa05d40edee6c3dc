"""`python -m runtime`: the same as the command `takt`."""

from runtime.cli.main import main

if __name__ == "__main__":
    main()
