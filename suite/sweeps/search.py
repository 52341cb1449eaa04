"""A search for the best settings with Optuna, over whole experiments.

A trial is one choice of settings, run once for each seed. Its value is the mean over seeds of the
primary metric on the validation split, that of each run's best weights: the seed is averaged and
never searched, and the test split has no say. A trial is judged along the learning curve of its
first seed, look by look, and by its mean after each further seed; the judge is the median of the
others (Golovin et al. 2017, section 3.2.2) or asynchronous successive halving (Li et al. 2020).

What was tried is in `search.db` in the sweep's folder, so the same command goes on with it, and one
that asks for more trials adds them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from suite.data.cache import atomic_path
from suite.errors import ConfigError, nearest
from suite.record import RunRecord
from suite.sweeps import tracker
from suite.sweeps.books import Books, Status
from suite.sweeps.grid import command_of, label_of, parsed, short
from suite.sweeps.opening import opened
from suite.sweeps.plan import Cell, Plan
from suite.sweeps.pruning import Pruning, study_of
from suite.sweeps.runner import Context, Runner
from suite.sweeps.space import SEED, Space, space_of
from suite.tracking.sweep_run import Sweep

if TYPE_CHECKING:
    import optuna

    from suite.config import RunConfig


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How to search.

    n_trials: how many choices in all. n_jobs: how many at once; None is what the launcher runs at
    once. sampler: tpe or random.
    """

    n_trials: int
    n_jobs: int | None
    sampler: str
    sampler_seed: int
    pruning: Pruning

    def __post_init__(self) -> None:
        for name in ("n_trials", "n_jobs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ConfigError(f"hydra.sweeper.{name}={value}: must be above 0")
        if self.sampler not in (known := ("tpe", "random")):
            raise ConfigError(
                f"hydra.sweeper.sampler={self.sampler}: no such sampler"
                f"{nearest(self.sampler, known)}; there are {', '.join(known)}"
            )


def run_search(
    context: Context, arguments: Sequence[str], settings: Settings, params: Mapping[str, object]
) -> None:
    """Search. params: overrides of the sweeper's own configuration."""
    overrides = parsed(context, [*(f"{k}={v}" for k, v in params.items()), *arguments])
    space = space_of(overrides)
    base = context.cells([(*space.fixed, space.seeds[0])])[0]
    if base.error is not None:
        raise ConfigError(base.error)
    said = {o.get_key_element(): str(o.input_line) for o in overrides if o.is_sweep_override()}
    asked = Plan(
        command=command_of(overrides),
        cells=(),
        space={
            **{k: v for k, v in base.settings.items() if k not in (*space.searched, SEED)},
            **{key: line.partition("=")[2] for key, line in said.items()},
            SEED: ",".join(one.partition("=")[2] for one in space.seeds),
        },
    )
    label = label_of(["search", *(short(key) for key in space.searched)])
    with opened(context.config, asked, label) as (books, plan):
        context.settle_in(books.folder)
        books.set_aside(cell.key for cell in plan.cells)
        tracker.prepare(books.results, Sweep.read(books.folder))
        config = context.config_of((*space.fixed, space.seeds[0]))
        Search(context, books, plan, space, settings, config).run()


class Search:
    """One search on its way."""

    def __init__(
        self,
        context: Context,
        books: Books,
        plan: Plan,
        space: Space,
        settings: Settings,
        config: "RunConfig",
    ) -> None:
        self.books, self.plan, self.space, self.settings = books, plan, space, settings
        self.metric, self.direction = _aim(config)
        self._context = context
        at_once = settings.n_jobs or context.parallelism(settings.n_trials)
        if at_once is None:
            raise ConfigError(
                "hydra.sweeper.n_jobs=null: a cluster runs any number of trials at once, and what "
                "runs at once learns nothing of each other; give one"
            )
        self._at_once = at_once
        self._runner = Runner(context, books)
        settings.pruning.write(books.folder)
        self._study = study_of(
            books.folder, settings.pruning, direction=self.direction, sampler=self._sampler
        )

    def run(self) -> None:
        """Search until there are as many trials as were asked for."""
        self._try_again()
        print(f"sweep {self.books.folder.name}: {self._told()}", flush=True)
        while batch := self._next():
            self._judge(batch)
            self._note()
        self._note()
        print(self._result(), flush=True)

    def _next(self) -> list["optuna.trial.Trial"]:
        """Return trials to run: those that a killed command left open, then new ones."""
        import optuna

        running = (optuna.trial.TrialState.RUNNING,)
        opened = self._study.get_trials(deepcopy=False, states=running)
        batch = [optuna.trial.Trial(self._study, one._trial_id) for one in opened]
        while len(batch) < self._at_once and self._begun() < self.settings.n_trials:
            batch.append(self._study.ask(dict(self.space.searched)))
        return batch

    def _judge(self, batch: Sequence["optuna.trial.Trial"]) -> None:
        """Run trials seed by seed, and tell the study what they come to."""
        import optuna

        values: dict[int, list[float]] = {trial.number: [] for trial in batch}
        left = list(batch)
        for wave, seed in enumerate(self.space.seeds):
            cells = self._cells(left, seed)
            if wave == 0:
                for trial in left:
                    self.settings.pruning.watch(
                        self.books.folder, cells[trial.number].key, trial._trial_id
                    )
            self._runner.run(list({cell.key: cell for cell in cells.values()}.values()))
            for trial in list(left):
                status, value = self._outcome(cells[trial.number])
                if value is None:
                    pruned = status is Status.pruned
                    state = (
                        optuna.trial.TrialState.PRUNED if pruned else optuna.trial.TrialState.FAIL
                    )
                    self._study.tell(trial, state=state)
                    left.remove(trial)
                    continue
                seen = values[trial.number]
                seen.append(value)
                if wave < len(self.space.seeds) - 1 and self._hopeless(trial, wave, fmean(seen)):
                    self._study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                    left.remove(trial)
        for trial in left:
            self._study.tell(trial, fmean(values[trial.number]))

    def _cells(self, trials: Sequence["optuna.trial.Trial"], seed: str) -> dict[int, Cell]:
        """Enter the runs of these trials into the books; return them by trial."""
        found = self._context.cells([self.space.job(trial.params, seed) for trial in trials])
        self.plan = self.plan.extended(Plan(command=(), cells=tuple(found)))
        self.plan.write(self.books.folder)
        return {trial.number: cell for trial, cell in zip(trials, found, strict=True)}

    def _outcome(self, cell: Cell) -> tuple[Status, float | None]:
        """Return how a run ended, and its value where it finished."""
        entry = self.books.entry(cell.key)
        if entry.status is not Status.finished:
            return entry.status, None
        record = RunRecord.read(self.books.results / "runs" / str(entry.run) / "record.json")
        return entry.status, record.metrics[f"validation/{self.metric}"]

    def _hopeless(self, trial: "optuna.trial.Trial", wave: int, mean: float) -> bool:
        """Report the mean over the seeds so far; return whether to give the trial up."""
        known = self._study.get_trials(deepcopy=False)[trial.number]
        if wave == 0:  # its looks have been reported, and the last has been judged
            if _LOOKS not in known.user_attrs:
                trial.set_user_attr(_LOOKS, known.last_step or 0)
            return False
        step = trial.user_attrs[_LOOKS] + wave
        if step not in known.intermediate_values:  # it is, where a killed command goes on
            trial.report(mean, step)
        return trial.should_prune()

    def _try_again(self) -> None:
        """Put trials that failed in an earlier command back into the queue, once each."""
        for trial in self._study.get_trials(deepcopy=False):
            if trial.state.name == "FAIL" and trial.number not in self._tried_again():
                self._study.enqueue_trial(dict(trial.params), {_AGAIN: trial.number})

    def _tried_again(self) -> set[int]:
        """Return the numbers of trials that another stands for."""
        trials = self._study.get_trials(deepcopy=False)
        return {trial.user_attrs[_AGAIN] for trial in trials if _AGAIN in trial.user_attrs}

    def _begun(self) -> int:
        """Return how many trials have been begun, each that was tried again counted once."""
        states = [trial.state.name for trial in self._study.get_trials(deepcopy=False)]
        again = self._tried_again()
        return sum(s != "WAITING" for s in states) - sum(states[n] == "FAIL" for n in again)

    @property
    def _sampler(self) -> "optuna.samplers.BaseSampler":
        import optuna

        def sampler(seed: int) -> optuna.samplers.BaseSampler:
            if self.settings.sampler == "random":
                return optuna.samplers.RandomSampler(seed=seed)
            # Trials at the same time should not be the same.
            return optuna.samplers.TPESampler(seed=seed, constant_liar=True)

        # From where an earlier command stopped, not the same draws again.
        known = _trials_in(self.books.folder)
        return sampler(self.settings.sampler_seed + known)

    def _counts(self) -> dict[str, int]:
        names = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}
        states = [trial.state.name for trial in self._study.get_trials(deepcopy=False)]
        return {name: states.count(state) for state, name in names.items()}

    def _told(self) -> str:
        counts = self._counts()
        parts = [f"{n} {name}" for name, n in counts.items() if n]
        seeds = len(self.space.seeds)
        per = f", {seeds} seeds each" if seeds > 1 else ""
        return f"{self.settings.n_trials} trials{per}" + (f": {', '.join(parts)}" if parts else "")

    def _note(self) -> None:
        """Write what there is to know without Optuna."""
        best = self._best()
        plain = {
            "metric": f"validation/{self.metric}",
            "direction": self.direction,
            "seeds": len(self.space.seeds),
            "n_trials": self.settings.n_trials,
            "trials": self._counts(),
            "best": None if best is None else {"value": best.value, "params": best.params},
        }
        with atomic_path(self.books.folder / "search.json") as path:
            path.write_text(json.dumps(plain, indent=1) + "\n")

    def _best(self) -> "optuna.trial.FrozenTrial | None":
        done = [t for t in self._study.get_trials(deepcopy=False) if t.state.name == "COMPLETE"]
        if not done:
            return None
        choose = max if self.direction == "maximize" else min
        return choose(done, key=lambda trial: float(trial.value or 0.0))

    def _result(self) -> str:
        best = self._best()
        if best is None:
            return f"search: {self._told()}; none finished, so there is no best"
        found = " ".join(f"{key}={value}" for key, value in best.params.items())
        n = len(self.space.seeds)
        over = f", mean of {n} seeds" if n > 1 else ", one seed"
        return (
            f"search: {self._told()}\nbest validation/{self.metric} {best.value:.4f}{over}: {found}"
        )


_AGAIN, _LOOKS = "tried_again", "looks"
"""Attributes of a trial: the number of the failed one that it stands for; how often its first run
looked at the validation split."""


def _aim(config: "RunConfig") -> tuple[str, str]:
    """Return the task's primary metric and its direction."""
    import torch

    from suite.run import build_task

    task = build_task(config, torch.device("cpu"))
    return task.primary, task.target.direction.value


def _trials_in(folder: Path) -> int:
    """Return how many trials a search has had, before its study is opened."""
    import sqlite3

    path = folder / "search.db"
    if not path.exists():
        return 0
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        return int(database.execute("select count(*) from trials").fetchone()[0])
