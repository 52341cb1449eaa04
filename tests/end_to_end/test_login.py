"""`triathlon ui --auth` as it is: who may see what, and from where."""

import base64
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("flask_wtf", reason="the extra `auth` is not installed")


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address and the password of a dashboard over an empty results folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": "",
    }
    command = [sys.executable, "-m", "suite.cli", "ui", str(tmp_path / "results"), "--auth"]
    said = tmp_path / "said"
    with said.open("w") as file:
        server = subprocess.Popen(
            [*command, f"--port={port}"], env=environment, stdout=file, stderr=file
        )
    try:
        end = time.monotonic() + 180
        while "Login:" not in said.read_text():
            assert server.poll() is None, said.read_text()
            assert time.monotonic() < end, said.read_text()
            time.sleep(0.2)
        (kept,) = tmp_path.glob("state/triathlon/dashboards/*/password")
        password = kept.read_text().strip()
        assert password not in said.read_text()
        yield f"http://127.0.0.1:{port}", password
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def ask(url: str, password: str | None = None, data: bytes | None = None, **headers: str) -> int:
    request = urllib.request.Request(url, data, headers)
    request.add_header("Content-Type", "application/json")
    if password is not None:
        pair = base64.b64encode(f"admin:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {pair}")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_only_who_has_the_password_sees_anything(dashboard: tuple[str, str]) -> None:
    address, password = dashboard
    search = f"{address}/api/2.0/mlflow/experiments/search"
    query = b'{"max_results": 1}'
    for url, data in (
        (f"{address}/", None),
        (search, query),
        (f"{address}/graphql", b'{"query": "{__typename}"}'),
        (f"{address}/get-artifact?path=a&run_uuid=b", None),
    ):
        assert ask(url, None, data) == 401, url
        assert ask(url, "wrong", data) == 401, url
    assert ask(f"{address}/", password) == 200
    assert ask(search, password, query) == 200
    # A page of another site, under a name that it made point here, or across origins.
    assert ask(f"{address}/", password, Host="evil.example") == 403
    create = f"{address}/api/2.0/mlflow/experiments/create"
    assert ask(create, password, b'{"name": "x"}', Origin="http://evil.example") == 403
