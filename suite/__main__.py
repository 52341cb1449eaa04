"""`python -m suite`: the command line, for `torchrun -m suite` and where no script is installed."""

from suite.cli import main

if __name__ == "__main__":
    main()
