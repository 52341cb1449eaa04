"""Whether a tracker answers at all, found out in seconds.

MLflow's client asks a server that hangs for a minute and a half, and a database that is away for
almost two: too long for whoever waits for a run or a sweep to go on.
"""

from urllib.parse import urlsplit

SECONDS = 10.0
"""A tracker that takes longer for the smallest question is taken for one that hangs."""

_TIMED = ("postgresql", "mysql")
"""Databases whose drivers take a `connect_timeout`."""


def knock(uri: str) -> None:
    """Raise where nobody answers; an error is an answer, and a file always answers."""
    if uri.startswith(("http://", "https://")):
        _server(uri)
    elif not uri.startswith("sqlite:"):
        _database(uri)


def _server(uri: str) -> None:
    import requests

    try:
        # Not MLflow's API: that may be behind a password, and needs the server's database.
        requests.get(f"{uri.rstrip('/')}/health", timeout=SECONDS, allow_redirects=False)
    except requests.exceptions.SSLError:
        return  # somebody is there; what MLflow makes of the certificate is its own affair


def _database(uri: str) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    kind = urlsplit(uri).scheme.partition("+")[0]
    limit = {"connect_timeout": int(SECONDS)} if kind in _TIMED else {}
    create_engine(uri, poolclass=NullPool, connect_args=limit).connect().close()
