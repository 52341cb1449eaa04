"""Gives a run up while it trains, where others did better by then.

The search writes its rules and which runs are watched into the sweep's folder; each watched run,
in whatever process, reports its validation to the study and asks it.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.data.cache import atomic_path
from suite.errors import ConfigError, nearest
from suite.tracking.journal import Event, GivenUp
from suite.tracking.store import first_line

if TYPE_CHECKING:
    import optuna

_STUDY = "search"
_SECONDS_TO_WAIT = 60
KINDS = ("median", "asha", "none")


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """When to give a trial up.

    kind: median, asha or none. startup_trials: trials that are finished before any is given up
    (median). warmup: looks at the validation split before a trial is judged (median), or at the
    first rung (asha). reduction_factor: one in so many goes on at each rung (asha).
    """

    kind: str
    startup_trials: int = 5
    warmup: int = 1
    reduction_factor: int = 3

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(
                f"hydra.sweeper.pruner={self.kind}: no such pruner{nearest(self.kind, KINDS)}; "
                f"there are {', '.join(KINDS)}"
            )
        for name, least in (("startup_trials", 1), ("warmup", 1), ("reduction_factor", 2)):
            value = getattr(self, name)
            if value < least:
                raise ConfigError(f"hydra.sweeper.{name}={value}: must be {least} or above")

    def write(self, folder: Path) -> None:
        """Leave the rules to the runs."""
        with atomic_path(folder / "pruning.json") as path:
            path.write_text(json.dumps(asdict(self)) + "\n")

    def watch(self, folder: Path, key: str, trial: int) -> None:
        """Have a cell's run report to a trial. trial: its id in the study's storage."""
        if self.kind != "none":
            with atomic_path(folder / "watched" / f"{key}.json") as path:
                path.write_text(json.dumps({"trial": trial}) + "\n")

    def pruner(self) -> "optuna.pruners.BasePruner":
        """Return Optuna's pruner."""
        import optuna

        if self.kind == "asha":
            return optuna.pruners.SuccessiveHalvingPruner(
                min_resource=self.warmup, reduction_factor=self.reduction_factor
            )
        if self.kind == "median":
            return optuna.pruners.MedianPruner(
                n_startup_trials=self.startup_trials, n_warmup_steps=self.warmup
            )
        return optuna.pruners.NopPruner()


def study_of(
    folder: Path,
    pruning: Pruning,
    *,
    direction: str | None = None,
    sampler: "optuna.samplers.BaseSampler | None" = None,
) -> "optuna.study.Study":
    """Return the study in a sweep's folder, created where a direction is given."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(
        f"sqlite:///{folder.resolve() / 'search.db'}",
        engine_kwargs={"connect_args": {"timeout": _SECONDS_TO_WAIT}},
    )
    if direction is None:
        return optuna.load_study(study_name=_STUDY, storage=storage, pruner=pruning.pruner())
    return optuna.create_study(
        study_name=_STUDY,
        storage=storage,
        direction=optuna.study.StudyDirection[direction.upper()],
        sampler=sampler,
        pruner=pruning.pruner(),
        load_if_exists=True,
    )


class Watch:
    """Observes a run's journal; raises `GivenUp` where the study would rather do without it."""

    def __init__(self, folder: Path, trial: int) -> None:
        self._folder = folder
        self._trial = trial
        self._looks = 0
        self._primary = ""
        self._optuna: optuna.trial.Trial | None = None

    @classmethod
    def of(cls, folder: Path, key: str) -> "Watch | None":
        """Return the watch over a cell's run, None where nobody asked for one."""
        path = folder / "watched" / f"{key}.json"
        return cls(folder, json.loads(path.read_text())["trial"]) if path.exists() else None

    def __call__(self, event: Event) -> None:
        """Take notice of an event."""
        if event["event"] == "start":
            self._primary = event["record"]["primary"]
        elif event["event"] == "resume":
            self._primary, self._looks = event["primary"], event["validations"]
        values: Mapping[str, Any] = event.get("values", {})
        value = values.get(f"validation/{self._primary}")
        # What a task chooses after training is no look at its learning.
        if value is None or "validation/loss" not in values:
            return
        self._looks += 1
        try:
            hopeless = self._report(float(value))
        except Exception as error:  # a study that cannot be reached must not stop a run
            print(f"warning: the search was not told ({first_line(error)})", file=sys.stderr)
            return
        if hopeless:
            raise GivenUp(f"{self._primary} {value:.4f} at look {self._looks}")

    def _report(self, value: float) -> bool:
        import optuna

        if self._optuna is None:
            rules = Pruning(**json.loads((self._folder / "pruning.json").read_text()))
            self._optuna = optuna.trial.Trial(study_of(self._folder, rules), self._trial)
        trial = self._optuna
        known = trial.study.get_trials(deepcopy=False)[trial.number]
        if self._looks not in known.intermediate_values:  # it is, where a run is made again
            trial.report(value, self._looks)
        return trial.should_prune()
