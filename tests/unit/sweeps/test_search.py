"""A search averages over seeds, gives up what is worse than others, and goes on where it stood."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any, cast

import optuna
import pytest
from optuna.distributions import FloatDistribution

from suite.errors import ConfigError
from suite.record import RunRecord
from suite.sweeps import search
from suite.sweeps.books import Books, Status
from suite.sweeps.plan import Cell, Plan
from suite.sweeps.pruning import Pruning, Watch, study_of
from suite.sweeps.runner import Context
from suite.sweeps.search import Search, Settings
from suite.sweeps.space import Space
from suite.tracking.journal import GivenUp
from suite.tracking.sweep_run import Sweep

LOOKS = 4
Curve = Callable[[float, int, int], float]
"""Validation accuracy from x, seed and look."""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_trials": 0}, r"hydra\.sweeper\.n_trials=0: must be above 0"),
        ({"sampler": "tpf"}, "no such sampler; did you mean 'tpe'"),
    ],
)
def test_settings_that_cannot_be(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(settings(), **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "medain"}, "no such pruner; did you mean 'median'"),
        ({"reduction_factor": 1}, r"reduction_factor=1: must be 2 or above"),
    ],
)
def test_rules_that_cannot_be(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(Pruning(kind="none"), **change)


def settings(n_trials: int = 8, kind: str = "none", **more: Any) -> Settings:
    return Settings(
        n_trials=n_trials, n_jobs=2, sampler="random", sampler_seed=0,
        pruning=Pruning(kind=kind, startup_trials=2, **more),
    )  # fmt: skip


class Hydra:
    """Hydra and a launcher whose runs take no time. curve: what they come to."""

    def __init__(self, books: Books, curve: Curve) -> None:
        self.books, self.curve = books, curve
        self.ran: list[tuple[str, ...]] = []
        self.dies_after: int | None = None

    def cells(self, jobs: Sequence[Sequence[str]]) -> list[Cell]:
        def cell(job: Sequence[str]) -> Cell:
            return Cell(key="-".join(job), overrides=tuple(job), settings=dict(settings_of(job)))

        return [cell(job) for job in jobs]

    def launcher(self) -> "Hydra":
        return self

    def parallelism(self, jobs: int) -> int:
        return 1

    def launch(self, jobs: Sequence[Sequence[str]], initial_job_idx: int) -> None:
        for job in jobs:
            if self.dies_after == len(self.ran):
                raise KeyboardInterrupt
            self.ran.append(tuple(job))
            self._run("-".join(job), float(settings_of(job)["x"]), int(settings_of(job)["seed"]))

    def _run(self, key: str, x: float, seed: int) -> None:
        record = RunRecord(run_id=key, name=key, primary="accuracy")
        watch = Watch.of(self.books.folder, key)
        with self.books.claim(key) as claim:
            claim.begin(key)
            try:
                if watch is not None:
                    watch({"event": "start", "record": record.plain()})
                for look in range(1, LOOKS + 1):
                    values = {"validation/accuracy": self.curve(x, seed, look)}
                    if watch is not None:
                        watch({"event": "metrics", "values": values | {"validation/loss": 0.0}})
            except GivenUp:
                record.status = "pruned"
            else:
                record.status = "finished"
                record.metrics = {
                    "validation/accuracy": self.curve(x, seed, LOOKS),
                    "test/accuracy": 1 - self.curve(x, seed, LOOKS),  # must have no say
                }
            record.write(self.books.results / "runs" / key)
            claim.end(record)


def settings_of(job: Sequence[str]) -> dict[str, str]:
    return dict(one.split("=") for one in job)  # type: ignore[misc]


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Books:
    books = Books(tmp_path / "results" / "sweeps" / "s")
    Sweep(id="s", uri=None, experiment="sweeps").write(books.results)
    monkeypatch.setattr(search, "_aim", lambda config: ("accuracy", "maximize"))
    return books


def a_search(hydra: Hydra, how: Settings, seeds: Sequence[int] = (0, 1, 2)) -> Search:
    space = Space(
        fixed=(),
        searched={"x": FloatDistribution(0.0, 1.0)},
        seeds=tuple(f"seed={seed}" for seed in seeds),
    )
    plan = Plan.read(hydra.books.folder) or Plan(command=(), cells=(), space={"x": "…"})
    return Search(cast(Context, hydra), hydra.books, plan, space, how, cast(Any, None))


def smooth(x: float, seed: int, look: int) -> float:
    """Best at 0.6 on average; each seed says otherwise."""
    return 0.5 - (x - 0.6) ** 2 + (seed - 1) * 0.3 * x + look / 100


def trials(books: Books) -> list[optuna.trial.FrozenTrial]:
    return study_of(books.folder, Pruning(kind="none")).trials


def test_a_trial_is_worth_the_mean_over_its_seeds(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    hydra = Hydra(books, smooth)
    a_search(hydra, settings(n_trials=6)).run()
    assert len(hydra.ran) == 18
    for trial in trials(books):
        x = trial.params["x"]
        assert trial.value == pytest.approx(fmean(smooth(x, s, LOOKS) for s in (0, 1, 2)))
    best = min(trials(books), key=lambda trial: abs(trial.params["x"] - 0.6))
    told = json.loads((books.folder / "search.json").read_text())
    assert told["best"]["params"] == best.params
    assert told["trials"] == {"finished": 6, "pruned": 0, "failed": 0}
    assert "best validation/accuracy" in capsys.readouterr().out
    plan = Plan.read(books.folder)
    assert plan is not None
    assert len(plan.cells) == 18


@pytest.mark.parametrize("kind", ["median", "asha"])
def test_what_is_worse_is_given_up_early_and_the_best_is_not(books: Books, kind: str) -> None:
    hydra = Hydra(books, smooth)
    a_search(hydra, settings(n_trials=16, kind=kind)).run()
    found = trials(books)
    pruned = [trial for trial in found if trial.state.name == "PRUNED"]
    assert pruned
    assert len(hydra.ran) < 16 * 3
    # Whoever was given up was worse than what was kept, at the look where it was.
    kept = [trial for trial in found if trial.state.name == "COMPLETE"]
    for trial in pruned:
        last = trial.last_step
        assert last is not None
        best = max(one.intermediate_values.get(last, -1) for one in kept)
        assert trial.intermediate_values[last] < best
    entries = [books.entry(f"x={trial.params['x']}-seed=0").status for trial in pruned]
    assert set(entries) <= {Status.pruned, Status.finished}
    assert Status.pruned in entries


def test_a_search_that_was_stopped_goes_on(books: Books) -> None:
    hydra = Hydra(books, smooth)
    hydra.dies_after = 7  # in the middle of its third and fourth trial
    with pytest.raises(KeyboardInterrupt):
        a_search(hydra, settings(n_trials=6)).run()
    hydra.dies_after = None
    a_search(hydra, settings(n_trials=6)).run()
    found = trials(books)
    assert [trial.state.name for trial in found] == ["COMPLETE"] * 6
    assert len({trial.params["x"] for trial in found}) == 6
    # No run was made twice, none is missing.
    assert len(hydra.ran) == len(set(hydra.ran)) == 18
    a_search(hydra, settings(n_trials=8)).run()
    assert len(trials(books)) == 8
    assert len({trial.params["x"] for trial in trials(books)}) == 8


def test_a_trial_whose_run_failed_is_tried_again_by_the_next_command(books: Books) -> None:
    broken = True

    def curve(x: float, seed: int, look: int) -> float:
        return smooth(x, seed, look)

    hydra = Hydra(books, curve)
    whole = hydra._run

    def run(key: str, x: float, seed: int) -> None:
        if broken and seed == 1 and len({job[0] for job in hydra.ran}) == 1:
            with books.claim(key) as claim:
                claim.begin(key)
                claim.fail("no")
            return
        whole(key, x, seed)

    hydra._run = run  # type: ignore[method-assign]
    one_by_one = replace(settings(n_trials=3), n_jobs=1)
    a_search(hydra, one_by_one).run()
    assert [trial.state.name for trial in trials(books)] == ["FAIL", "COMPLETE", "COMPLETE"]
    broken = False
    a_search(hydra, one_by_one).run()
    found = trials(books)
    assert [trial.state.name for trial in found] == ["FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]
    assert found[3].params == found[0].params
    a_search(hydra, one_by_one).run()
    assert len(trials(books)) == 4


def test_a_study_that_is_gone_does_not_stop_a_run(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = Pruning(kind="median")
    rules.write(books.folder)
    rules.watch(books.folder, "k", 1)
    (books.folder / "pruning.json").unlink()
    watch = Watch.of(books.folder, "k")
    assert watch is not None
    watch({"event": "start", "record": {"primary": "accuracy"}})
    watch({"event": "metrics", "values": {"validation/accuracy": 0.1, "validation/loss": 1.0}})
    assert "warning: the search was not told" in capsys.readouterr().err
    assert Watch.of(books.folder, "other") is None
