"""`triathlon ui`: the MLflow dashboard over a results folder."""

import argparse
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Start the dashboard and print its address; stop it with Ctrl-C."""
    parser = argparse.ArgumentParser("triathlon ui", description=main.__doc__)
    parser.add_argument("results", nargs="?", type=Path, default=Path("results"))
    parser.add_argument("--uri", help="MLflow tracking URI (default: sqlite in the results folder)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=5000)
    chosen = parser.parse_args(arguments)
    from suite.tracking.store import uri_of
    from suite.tracking.ui import ui

    uri = uri_of(chosen.results.resolve(), chosen.uri)
    return ui(uri, chosen.results.resolve(), chosen.host, chosen.port)
