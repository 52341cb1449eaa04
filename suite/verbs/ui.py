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
    parser.add_argument("--auth", action="store_true", help="ask for user and password")
    parser.add_argument(
        "--hosts", help="names that browsers may call it by, with commas (default: local ones)"
    )
    chosen = parser.parse_args(arguments)
    from suite.tracking.store import uri_of
    from suite.tracking.ui import ui

    uri = uri_of(chosen.results.resolve(), chosen.uri)
    results, host, port = chosen.results.resolve(), chosen.host, chosen.port
    return ui(uri, results, host, port, auth=chosen.auth, hosts=chosen.hosts)
