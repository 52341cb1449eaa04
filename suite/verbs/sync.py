"""`triathlon sync`: sends to MLflow what an outage or a killed process left unsent."""

import argparse
from pathlib import Path

from suite.trust.text import printable


def main(arguments: list[str]) -> int:
    """Complete runs in MLflow from their journals; what is there already is not sent twice."""
    parser = argparse.ArgumentParser("triathlon sync", description=main.__doc__)
    parser.add_argument("runs", nargs="*", help="names of run folders (default: all)")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--uri", help="MLflow tracking URI (default: the one each run had)")
    chosen = parser.parse_args(arguments)
    from suite.tracking.sync import sync

    summary = sync(chosen.results.resolve(), chosen.uri, chosen.runs)
    print(printable(str(summary)))
    return 1 if summary.failed else 0
