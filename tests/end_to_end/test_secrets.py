"""A tracker's password reaches the tracker, and nothing that a command prints or leaves behind."""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SECRET = "hunter2-5f1e-secret"
RUN = ["backbone=mlp", "backbone.width=8", "trainer=smoke", "trainer.steps=2"]


@pytest.fixture
def server() -> Iterator[tuple[int, list[str]]]:
    """A tracker that wants a password and answers nothing else than that it is broken."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("Authorization", ""))
            self.send_response(401)
            self.end_headers()
            self.wfile.write(f"no: {self.headers.get('Authorization')}".encode())

        do_POST = do_GET

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], asked
    server.shutdown()
    server.server_close()


def everything(folder: Path) -> bytes:
    """Return the content and the names of all files below a folder."""
    parts = []
    for path in sorted(folder.rglob("*")):
        parts.append(str(path).encode())
        if path.is_file():
            parts.append(path.read_bytes())
    return b"\0".join(parts)


@pytest.mark.parametrize("how", [[], ["-m", "seed=0,1"]], ids=["run", "sweep"])
def test_a_password_in_the_uri_is_kept_nowhere(
    tmp_path: Path, server: tuple[int, list[str]], how: list[str]
) -> None:
    port, asked = server
    uri = f"tracking.uri=http://me:{SECRET}@127.0.0.1:{port}"
    environment = {**os.environ, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "HYDRA_FULL_ERROR": "1"}
    command = [sys.executable, "-m", "suite.cli", *how, *RUN, uri]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, timeout=300)
    said = done.stdout + done.stderr
    pair = base64.b64encode(f"me:{SECRET}".encode())
    for secret in (SECRET.encode(), pair):
        assert secret not in said
        assert secret not in everything(tmp_path)
    # It was used, and the run went on without the tracker.
    assert f"Basic {pair.decode()}" in asked, said
    assert b"127.0.0.1" in everything(tmp_path)
    records = list(tmp_path.glob("results/runs/*/record.json"))
    assert len(records) == (2 if how else 1)
    for path in records:
        record = json.loads(path.read_text())
        assert record["config"]["tracking"]["uri"] == f"http://127.0.0.1:{port}"


def test_one_in_a_file_is_refused_unseen(tmp_path: Path, server: tuple[int, list[str]]) -> None:
    folder = tmp_path / "mine" / "experiment"
    folder.mkdir(parents=True)
    told = f"# @package _global_\ntracking:\n  uri: http://me:{SECRET}@127.0.0.1:{server[0]}\n"
    (folder / "mine.yaml").write_text(told)
    command = [sys.executable, "-m", "suite.cli", f"--config-dir={tmp_path / 'mine'}"]
    for full in ("0", "1"):
        done = subprocess.run(
            [*command, "experiment=mine", *RUN], cwd=tmp_path, capture_output=True, text=True,
            env={**os.environ, "HYDRA_FULL_ERROR": full}, timeout=300,
        )  # fmt: skip
        assert done.returncode != 0
        assert "tracking.uri: holds a password or token" in done.stderr
        assert SECRET not in done.stdout + done.stderr
    assert not (tmp_path / "results").exists()
