from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from suite.record import RunRecord
from suite.tracking import store, sweep_run
from suite.tracking.parent import keep, send_summary, summarize
from suite.tracking.sweep_run import Sweep
from suite.tracking.sync import sync


def report(numbers: dict[str, float], note: str, files: tuple[str, ...] = ()) -> Any:
    """What `keep` asks of a report."""

    def write(folder: Path) -> list[Path]:
        for name in files:
            (folder / name).write_bytes(b"x")
        return [folder / name for name in files]

    return SimpleNamespace(write=write, aggregates=lambda: numbers, note=lambda: note)


def ended(results: Path) -> Sweep:
    """Return a sweep that has ended and of which the tracker knows nothing."""
    sweep = Sweep(id="s1", uri=store.default_uri(results), experiment="sweeps", ended=True)
    sweep.write(results)
    return sweep


def parent_of(results: Path) -> Any:
    run = Sweep.read(sweep_run.folder_of(results, "s1")).parent
    return store.connect(results, store.default_uri(results)).get_run(run)


def test_summary_takes_the_best_by_direction(record: Callable[..., RunRecord]) -> None:
    def error(run_id: str, value: float) -> RunRecord:
        return record(
            run_id,
            status="finished",
            primary="error",
            direction="minimize",
            metrics={"test/error": value},
        )

    metrics, best = summarize([error("a", 0.5), error("b", 0.1), record("c", status="failed")])
    place = "summary/image_recognition.digits"
    assert metrics == {f"{place}/error_best": 0.1, f"{place}/error_mean": 0.3, f"{place}/runs": 2}
    assert best == {"image_recognition.digits": "b"}


def test_summary_without_a_tracker(results: Path) -> None:
    send_summary(results, Sweep(id="s2", uri=None, experiment="sweeps"), [], {})
    assert not (results / "sweeps").exists()


def test_what_a_sweep_came_to_waits_for_the_tracker(
    results: Path, finished: Callable[..., Path]
) -> None:
    ended(results)
    for seed in (0, 1):
        finished(f"run{seed}", sweep="s1", seed=seed)
    folder = sweep_run.folder_of(results, "s1")
    # More numbers than fit a call, and a name that MLflow would refuse.
    numbers = {f"summary/digits/n/{i}": float(i) for i in range(1500)} | {"a, b@c": 1.0}
    keep(folder, report(numbers, "The answer.", ("leaderboard.png", "leaderboard.csv")))
    assert sync(results).failed == {}
    run = parent_of(results)
    assert run.data.metrics["summary/digits/n/1499"] == 1499
    assert run.data.metrics["a_ b_c"] == 1
    tags = run.data.tags
    assert tags["mlflow.note.content"].startswith(
        "The answer.\n\nBest runs: [digits](#/experiments/"
    )
    assert (
        "![Leaderboard](get-artifact?path=leaderboard.png&run_uuid=" in tags["mlflow.note.content"]
    )
    assert (tags["task"], tags["backbone"], tags["seed"]) == ("image_recognition", "mlp", "0, 1")
    (data,) = run.inputs.dataset_inputs
    assert data.dataset.name == "digits"
    assert run.info.status == "FINISHED"


def test_a_sweep_of_an_earlier_version_has_a_summary_too(
    results: Path, finished: Callable[..., Path]
) -> None:
    ended(results)
    finished("one", sweep="s1")
    assert sync(results).failed == {}
    assert parent_of(results).data.metrics["summary/runs_finished"] == 1


def test_a_description_fits_what_mlflow_takes(results: Path, finished: Callable[..., Path]) -> None:
    sweep = ended(results)
    finished("one", sweep="s1")
    folder = sweep_run.folder_of(results, "s1")
    keep(folder, report({}, "word " * 1500, ("leaderboard.png",)))
    records = [RunRecord.read(results / "runs" / "one" / "record.json")]
    send_summary(results, sweep, records, {"seed=3": "broken"})
    run = parent_of(results)
    assert 7000 < len(run.data.tags["mlflow.note.content"]) <= 8000
    assert run.info.status == "FAILED"
