"""MLflow under many jobs at once, on sqlite and PostgreSQL, and reports made from it alone."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from suite.tracking.store import default_uri

JOBS, STEPS, VALUES = 8, 500, 4
"""Rows of a job: 500 steps of four values."""

# One process pays for importing MLflow; its forks are the jobs. Each writes its journal while its
# feed sends it, and is done when all is sent, as in training.
WRITERS = """
import os, sys, time
from pathlib import Path
from suite.tracking import store, sweep_run
store.apply_settings()
import mlflow, mlflow.store.tracking.sqlalchemy_store
from suite.record import RunRecord
from suite.tracking.feed import Feed
from suite.tracking.journal import Journal

results, uri, jobs, steps, values = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
sweep_run.Sweep(id="s1", uri=uri, experiment="sweeps").write(results)

def job(number):
    record = RunRecord(run_id=f"run{number}", name="a", sweep="s1", seed=number, primary="accuracy",
                       config={"seed": number}, data="digits", backbone="mlp", optimizer="sgd")
    folder = results / "runs" / record.run_id
    journal = Journal(folder)
    journal.start(record)
    feed = Feed(folder, results=results, uri=uri, experiment="sweeps")
    feed.start()
    for step in range(1, steps + 1):
        journal.metrics(step, {f"train/value{i}": number + i / step for i in range(values)})
        time.sleep(0.002)
    record.status = "finished"
    journal.end(record)
    return feed.close(120)

children = []
for number in range(jobs):
    child = os.fork()
    if not child:
        try:
            warning = job(number)
            if warning:
                print(warning, file=sys.stderr)
            os._exit(1 if warning else 0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(2)
    children.append(child)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""

COUNTS = {
    "rows": "SELECT COUNT(*) FROM metrics WHERE key LIKE 'train/%'",
    "different": "SELECT COUNT(*) FROM (SELECT DISTINCT run_uuid, key, step FROM metrics "
    "WHERE key LIKE 'train/%') AS each_once",
    "fewest": "SELECT MIN(n) FROM (SELECT COUNT(*) AS n FROM metrics WHERE key LIKE 'train/%' "
    "GROUP BY run_uuid, key) AS of_each",
    "runs": "SELECT COUNT(*) FROM runs",
    "parents": "SELECT COUNT(*) FROM tags WHERE key = 'triathlon.sweep_id'",
    "children": "SELECT COUNT(*) FROM tags WHERE key = 'mlflow.parentRunId'",
    "experiments": "SELECT COUNT(*) FROM experiments WHERE name = 'sweeps'",
    "finished": "SELECT COUNT(*) FROM runs WHERE status = 'FINISHED'",
}


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, which Debian keeps off the path."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folders[-1] if folders else None


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Run a PostgreSQL of our own in a folder, without a network; give its address."""
    bin_, data = programs(), folder / "data"
    assert bin_ is not None
    # It refuses to run as root. Its socket's path is limited to 107 bytes.
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    as_user = user if os.getuid() == 0 else []
    if as_user:
        shutil.chown(folder, "postgres", "postgres")

    def call(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, capture_output=True, cwd=folder)

    call(str(bin_ / "initdb"), "-D", str(data), "-A", "trust", "-U", "triathlon", "--no-sync")
    options, log = f"-k {folder} -c listen_addresses= -c fsync=off", str(folder / "log")
    server = [str(bin_ / "pg_ctl"), "-D", str(data), "-w"]
    call(*server, "-o", options, "-l", log, "start")
    try:
        yield f"postgresql://triathlon@/postgres?host={folder}"
    finally:
        call(*server, "-m", "immediate", "stop")


@pytest.fixture(params=["sqlite", "postgresql"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield default_uri(tmp_path / "results")
        return
    pytest.importorskip("psycopg")
    if programs() is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no setpriv")
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:
        with postgresql(Path(folder)) as address:
            yield address


def test_eight_jobs_lose_no_row_and_write_none_twice(uri: str, tmp_path: Path) -> None:
    sizes = map(str, (JOBS, STEPS, VALUES))
    command = [sys.executable, "-c", WRITERS, str(tmp_path / "results"), uri, *sizes]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    engine = create_engine(uri)
    with engine.connect() as connection:
        counted = {name: connection.execute(text(sql)).scalar() for name, sql in COUNTS.items()}
    engine.dispose()
    assert counted == {
        "rows": JOBS * STEPS * VALUES,
        "different": JOBS * STEPS * VALUES,
        "fewest": STEPS,
        "runs": JOBS + 1,
        "parents": 1,
        "children": JOBS,
        "experiments": 1,
        "finished": JOBS,
    }


SMALL = ["backbone=mlp,lstm", "backbone.width=8", "trainer=smoke", "trainer.steps=6",
         "trainer.evaluate_every=2", "seed=0,1", "hardware=cpu_single"]  # fmt: skip


def test_reports_from_mlflow_are_the_same_bytes(triathlon, tmp_path):
    said = triathlon(tmp_path, "-m", "task=image_recognition", "tracking.register=mine", *SMALL)
    assert said.code == 0, said
    assert triathlon(tmp_path, "report", "--to", "journals").code == 0
    # Only the store is left, at another place.
    (tmp_path / "results" / "runs").rename(tmp_path / "away")
    uri = f"sqlite:///{tmp_path}/results/mlflow.db"
    said = triathlon(tmp_path, "report", "--from-mlflow", uri, "--to", "store")
    assert said.code == 0, said
    names = {path.name for path in (tmp_path / "journals").iterdir()}
    assert {"leaderboard.md", "leaderboard.json", "leaderboard.png", "report.html"} <= names
    for name in names:
        there = (tmp_path / "store" / name).read_bytes()
        assert there == (tmp_path / "journals" / name).read_bytes(), name
    # The page has what there is to look at, too.
    assert b'class="example"' in (tmp_path / "store" / "report.html").read_bytes()
    from suite.tracking.store import connect

    versions = connect(tmp_path / "results", uri).search_model_versions("name = 'mine'")
    assert sorted(int(one.version) for one in versions) == [1, 2, 3, 4]


def test_a_wrong_store_says_so(light):
    light("report", "--from-mlflow", "sqlite:////nowhere/mlflow.db").refused(
        "sqlite:////nowhere/mlflow.db", "there is no such database"
    )
