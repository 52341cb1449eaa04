import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from suite.record import RunRecord
from suite.sweeps.books import Books, Entry, Status
from suite.tracking.journal import Journal

ROOT = Path(__file__).parents[3]


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path / "results" / "sweeps" / "s")


def record(run_id: str, status: str = "finished", **more: object) -> RunRecord:
    return RunRecord(run_id=run_id, name=run_id, status=status, config_hash="k", **more)  # type: ignore[arg-type]


def killed_while(books: Books, code: str) -> None:
    """Have another process claim cell `k`, do something and be killed without warning."""
    code = (
        "import os\nfrom pathlib import Path\nfrom suite.sweeps.books import Books\n"
        "from suite.record import RunRecord\nfrom suite.tracking.journal import Journal\n"
        f"books = Books(Path({str(books.folder)!r}))\n"
        "with books.claim('k') as claim:\n"
        "    claim.begin('one', ('seed=0',))\n"
        f"    folder = Path({str(books.results)!r}) / 'runs' / 'one'\n"
        f"    record = RunRecord(run_id='one', name='one', config_hash='k')\n"
        f"    {code}\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    assert done.returncode == -9


def test_a_cell_from_start_to_end(books: Books) -> None:
    assert books.entry("k") == Entry()
    with books.claim("k") as claim:
        claim.begin("one", ("seed=0",))
        entry = books.entry("k")
        assert (entry.status, entry.run, books.alive("k")) == (Status.running, "one", True)
        assert entry.place.endswith(f"process {os.getpid()}")
        claim.end(record("one"))
    entry = books.entry("k")
    assert (entry.status, entry.status.settled, books.alive("k")) == (Status.finished, True, False)
    assert entry.seconds > 0


def test_a_cell_that_fails_says_why(books: Books) -> None:
    with books.claim("k") as claim:
        claim.begin("one")
        claim.fail("ValueError: no")
    entry = books.entry("k")
    assert (entry.status, entry.error) == (Status.failed, "ValueError: no")
    assert not entry.status.settled


@pytest.mark.parametrize("code", ["pass", "Journal(folder).start(record)"])
def test_a_killed_cell_is_made_again_and_its_run_is_put_aside(books: Books, code: str) -> None:
    killed_while(books, code)
    assert books.entry("k").status is Status.killed
    with books.claim("k") as claim:
        assert claim.entry.status is Status.killed
        claim.begin("two")
        claim.end(record("two"))
    entry = books.entry("k")
    assert (entry.run, entry.superseded) == ("two", ("one",))
    assert not (books.results / "runs" / "one").exists()
    if code != "pass":
        assert (books.folder / "superseded" / "one" / "journal.jsonl").exists()


@pytest.mark.parametrize("last", ["journal", "record"])
def test_a_process_killed_after_its_run_ended_has_finished(books: Books, last: str) -> None:
    end = "record.status = 'finished'; journal = Journal(folder); journal.start(record); "
    if last == "journal":  # as in `Journal.end`, killed half-way
        end += "journal._append({'event': 'end', 'record': record.plain()})"
    else:
        end += "journal.end(record)"
    killed_while(books, end)
    assert books.entry("k").status is Status.finished
    assert RunRecord.read(books.results / "runs" / "one" / "record.json").status == "finished"
    with books.claim("k") as claim:
        assert claim.entry.status.settled


def test_half_a_line_at_the_end_of_a_journal_is_no_end(books: Books) -> None:
    code = (
        "record.status = 'finished'; j = Journal(folder); j.start(record); "
        'j._file.write(b\'{"event": "end", "rec\')'
    )
    killed_while(books, code)
    assert books.entry("k").status is Status.killed


def test_a_failed_run_is_superseded_with_its_record(books: Books) -> None:
    folder = books.results / "runs" / "one"
    with books.claim("k") as claim:
        claim.begin("one")
        journal = Journal(folder)
        journal.start(record("one"))
        journal.end(record("one", "failed", error="no"))
        claim.end(record("one", "failed", error="no"))
    with books.claim("k") as claim:
        claim.begin("two")
    assert not folder.exists()
    aside = json.loads((books.folder / "superseded" / "one" / "record.json").read_text())
    assert aside["error"] == "no"


def test_what_failed_is_set_aside_before_it_is_made_again(books: Books) -> None:
    killed_while(books, "Journal(folder).start(record)")
    (books.results / "runs" / "three").mkdir()
    for key, run, status in (("done", "two", "finished"), ("failed", "three", "failed")):
        with books.claim(key) as claim:
            claim.begin(run)
            claim.end(record(run, status))
    books.set_aside(["k", "done", "failed", "never"])
    assert books.entry("failed") == Entry(superseded=("three",))
    assert (books.folder / "superseded" / "three").exists()
    assert books.entry("done").run == "two"
    assert books.entry("never") == Entry()
    # It may be gone on with.
    assert (books.entry("k").status, books.entry("k").run) == (Status.killed, "one")


def test_killed_run_that_is_gone_on_with_stays_where_it_is(books: Books) -> None:
    killed_while(books, "Journal(folder).start(record)")
    with books.claim("k") as claim:
        assert claim.entry.status is Status.killed
        claim.begin("one")
        claim.end(record("one"))
    assert books.entry("k").status is Status.finished
    assert books.entry("k").superseded == ()
    assert (books.results / "runs" / "one").exists()


def test_books_that_were_lost_adopt_what_is_finished(books: Books) -> None:
    books.adopt("k", record("one", wall_seconds=3.0))
    entry = books.entry("k")
    assert (entry.status, entry.run, entry.seconds) == (Status.finished, "one", 3.0)


def test_whoever_comes_to_a_cell_that_is_at_work_waits_and_finds_it_done(books: Books) -> None:
    """As where the command was killed and its worker was not."""
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom suite.sweeps.books import Books\n"
        "from suite.record import RunRecord\n"
        f"books = Books(Path({str(books.folder)!r}))\n"
        "with books.claim('k') as claim:\n"
        "    claim.begin('one')\n"
        "    print('begun', flush=True)\n"
        "    time.sleep(1)\n"
        "    claim.end(RunRecord(run_id='one', name='one', status='finished'))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert books.entry("k").status is Status.running
        books.set_aside(["k"])  # is no reason to take it away
        with books.claim("k") as claim:
            assert (claim.entry.status, claim.entry.run) == (Status.finished, "one")
