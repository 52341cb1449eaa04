"""The MLflow dashboard over a results folder, with settings that suit one user's machine."""

import ipaddress
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, TYPE_CHECKING

from suite.errors import ConfigError, TrainingError
from suite.tracking import store, views
from suite.tracking.login import Login, login_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

_SECONDS_TO_START = 120
_HOSTS = "MLFLOW_SERVER_ALLOWED_HOSTS"
_OWN_NAMES = "localhost,localhost:*,127.0.0.1,127.0.0.1:*,[::1],[::1]:*"


def ui(
    uri: str,
    results: Path,
    host: str = "127.0.0.1",
    port: int = 5000,
    *,
    auth: bool = False,
    hosts: str | None = None,
) -> int:
    """Serve the dashboard until interrupted; return the server's exit code.

    auth: ask for user and password. hosts: names that browsers may call it by, with commas;
    by default those of this machine's own, and on a network addresses of private ones.
    Raises `ConfigError` where the port is taken, or the network could see it all without a login;
    `TrainingError` where the server does not start.
    """
    if store.is_server(uri):
        if auth:
            raise ConfigError(f"--auth: {store.shown(uri)} is a server, which decides that itself")
        print(f"MLflow dashboard: {uri}")
        return 0
    if not auth and not is_loopback(host):
        raise ConfigError(
            f"--host {host}: everybody on the network could see and change all runs; add --auth"
        )
    login = login_of(uri) if auth else None
    address = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"
    _require_free(host, port)
    client = store.connect(results, uri)  # creates the database, faster than the server would
    opening = views.address(address, _newest(client))
    # So that the server ends with this process, however it is ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryFile() as log:
        command = _command(results, host, port, login)
        environment = _environment(uri, host, hosts, login)
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _await(server, address, log)
            print(f"MLflow dashboard: {opening} (Ctrl-C stops it)", flush=True)
            if login is not None:
                print(f"Login: {login.told}", flush=True)
                if not is_loopback(host):
                    print("Passwords cross the network as they are: put a proxy with TLS in front")
            return server.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            _stop(server)


def _newest(client: "MlflowClient") -> "Experiment | None":
    """Return the experiment of the newest run, with its views."""
    places = [one.experiment_id for one in client.search_experiments()]
    runs = client.search_runs(
        places, f"tags.`{store.RUN_TAG}` != ''", max_results=1, order_by=["start_time DESC"]
    )
    if not runs:
        return None
    place = runs[0].info.experiment_id
    # Of a version that had no views.
    views.offer(client, place, [])
    return client.get_experiment(place)


def is_loopback(host: str) -> bool:
    """Return whether nobody but this machine reaches an address; a name that is none is no."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _command(results: Path, host: str, port: int, login: Login | None) -> list[str]:
    options = {
        # Of experiments that others create through this server; ours name their own place.
        "--artifacts-destination": str(results.resolve() / "mlartifacts"),
        "--host": host,
        "--port": str(port),
        # By default MLflow starts 15 processes that take 3 GB.
        "--workers": "1",
        "--uvicorn-opts": "--log-level warning",
    }
    if login is not None:
        options["--app-name"] = "basic-auth"
    pairs = [part for option in options.items() for part in option]
    return [sys.executable, "-m", "mlflow", "server", *pairs]


def _environment(uri: str, host: str, hosts: str | None, login: Login | None) -> dict[str, str]:
    store.apply_settings()
    # Pages of other sites reach a local server under a name of their own; MLflow answers 403 then.
    own = hosts or os.environ.get(_HOSTS) or (_OWN_NAMES if is_loopback(host) else "")
    return {
        **os.environ,
        **({_HOSTS: own} if own else {}),
        **(login.environment if login is not None else {}),
        "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "false",
        # Not on the command line, which everyone may read: it may hold a password.
        "MLFLOW_BACKEND_STORE_URI": uri,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }


def _require_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        # As the server will: a connection that a last server left in TIME_WAIT is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigError(
                f"port={port}: cannot be used on {host} ({reason}); "
                f"is a dashboard running already? Else choose another with port={port + 1}"
            ) from error


def _await(server: "subprocess.Popen[bytes]", address: str, log: IO[bytes]) -> None:
    end = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < end:
        if server.poll() is not None:
            log.seek(0)
            told = log.read().decode(errors="replace").strip().splitlines() or ["it said nothing"]
            raise TrainingError(f"the MLflow server stopped at once: {told[-1]}")
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2):
                return
        except urllib.error.HTTPError:  # it is there, if not for this name
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise TrainingError(f"the MLflow server gave no answer in {_SECONDS_TO_START} seconds")


def _stop(server: "subprocess.Popen[bytes]") -> None:
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
