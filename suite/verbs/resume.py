"""`triathlon resume`: goes on with a run that was killed, interrupted, or failed."""

import argparse
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Go on with a run from its last checkpoint. It ends as if nothing had happened."""
    parser = argparse.ArgumentParser("triathlon resume", description=main.__doc__)
    parser.add_argument(
        "run", nargs="?", help="name of the run's folder (default: the newest that did not end)"
    )
    parser.add_argument("--results", type=Path, default=Path("results"))
    chosen = parser.parse_args(arguments)
    results = chosen.results.resolve()
    from suite.resumption import named, newest

    config, unfinished = named(results, chosen.run or newest(results))
    from suite.run import run

    run(config, unfinished=unfinished)
    return 0
