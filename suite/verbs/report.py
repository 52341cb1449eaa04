"""`triathlon report`: writes leaderboard and page of the runs in a results folder."""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from suite.errors import DataError
from suite.record import read_records


def main(arguments: list[str]) -> int:
    """Read all run records, print the leaderboard, write leaderboard.{md,json,csv,png} and
    report.html, a page with everything that opens without a network.
    """
    parser = argparse.ArgumentParser("triathlon report", description=main.__doc__)
    parser.add_argument("results", nargs="?", type=Path, default=Path("results"))
    parser.add_argument(
        "--from-mlflow",
        metavar="URI",
        help="read the runs of an MLflow store, such as http://host:5000 or sqlite:////path/to.db, "
        "and not those of the results folder",
    )
    parser.add_argument("--sweep", help="only the runs of this sweep")
    parser.add_argument("--to", type=Path, help="folder to write to (default: the results folder)")
    parser.add_argument(
        "--reference", type=Path, help="YAML that scores across data sets are taken against"
    )
    parser.add_argument(
        "--repeats",
        choices=("median", "olympic", "best"),
        default="median",
        help="what stands for the times of repeats there: their median, the mean without fastest "
        "and slowest (MLPerf), or the median of the best configurations by seed (AlgoPerf)",
    )
    chosen = parser.parse_args(arguments)
    to = chosen.to or chosen.results
    if chosen.from_mlflow is None:
        return _report(chosen, chosen.results, to)
    from suite.tracking.records import restore
    from suite.tracking.store import shown

    with tempfile.TemporaryDirectory() as scratch:
        restore(chosen.from_mlflow, Path(scratch))
        return _report(chosen, Path(scratch), to, shown(chosen.from_mlflow))


def _report(chosen: argparse.Namespace, results: Path, to: Path, source: str = "") -> int:
    """Report on the runs in a results folder. source: where they come from, if from elsewhere."""
    from suite.report.leaderboard import leaderboard
    from suite.report.page.document import write_page
    from suite.report.reference import EMBEDDED, Reference
    from suite.report.scores import Counting
    from suite.tracking.journal import read_journal

    def events(path: Path) -> Iterator[dict[str, Any]]:
        return (event for event, _ in read_journal(path))

    reference = Reference.read(chosen.reference or EMBEDDED)

    records = read_records(results)
    if chosen.sweep:
        records = [record for record in records if record.sweep == chosen.sweep]
    if not any(record.status == "finished" for record in records):
        raise DataError(f"{source or results}: holds no finished run; train one with `triathlon`")
    board = leaderboard(records, reference, Counting(chosen.repeats))
    board.print()
    written = board.write(to)
    runs = results / "runs"
    written.append(write_page(board, records, runs, events, to / "report.html"))
    for path in written:
        print(path)
    return 0
