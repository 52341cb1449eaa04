"""MLflow's own server, which is killed (SIGKILL) again and again and comes back.

    python benchmarks/mortal_server.py DATABASE ARTIFACTS --deaths 5 --requests 4

Prints its port, and "killed" for each death. `--requests 4`: each life ends with the fourth request
that changes something, after storing and before the answer. `--seconds 2`: it ends after so long.
Each life is a fork of a process that has MLflow imported, so that it is back in half a second.
"""

import argparse
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

_AWAY_SECONDS = 0.5
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("database", help="URI")
    parser.add_argument("artifacts", help="URI of a folder")
    parser.add_argument("--deaths", type=int, default=0)
    parser.add_argument("--requests", type=int, help="a life, in requests that change something")
    parser.add_argument("--seconds", type=float, help="a life, in seconds")
    chosen = parser.parse_args()
    settings = {
        "FILE_STORE": chosen.database,
        "REGISTRY_STORE": chosen.database,
        "ARTIFACT_ROOT": "mlflow-artifacts:/",
        "ARTIFACT_DESTINATION": chosen.artifacts,
        "SERVE_ARTIFACTS": "true",
    }
    os.environ |= {f"_MLFLOW_SERVER_{name}": value for name, value in settings.items()}
    from mlflow.server import app
    from werkzeug.serving import make_server

    port = make_server("127.0.0.1", 0, app).port
    print(port, flush=True)
    for life in range(chosen.deaths + 1):
        mortal = life < chosen.deaths
        child = os.fork()
        if not child:
            if mortal and chosen.seconds:
                threading.Timer(chosen.seconds, die).start()
            served = dies_after(app, chosen.requests) if mortal and chosen.requests else app
            make_server("127.0.0.1", port, served, threaded=True).serve_forever()
        os.waitpid(child, 0)
        print("killed", flush=True)
        time.sleep(_AWAY_SECONDS)


def dies_after(app: Application, requests: int) -> Application:
    """Return the application, which ends its process with so many requests."""
    left = [requests]

    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        answer = app(environ, start)
        if environ["REQUEST_METHOD"] == "GET" or environ["PATH_INFO"].endswith("/search"):
            return answer
        left[0] -= 1
        if left[0] == 0:
            list(answer)
            die()
        return answer

    return application


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
