"""The run record: one row, in one schema, for every run of every modality.

It is what reports read; `record.json` lies beside the journal in the run's folder.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from suite.data.cache import atomic_path
from suite.errors import DataError
from suite.trust.paths import plain_name

SCHEMA = 1
INTERRUPTED = "interrupted"
"""Status of a run that a signal has stopped, and that can be resumed."""


@dataclass(kw_only=True)
class RunRecord:
    """What a run was and what came of it. Times in seconds, sizes in bytes.

    status: "running", "finished", "failed" (then `error` tells why), "interrupted" by a signal (it
        can be resumed), or "pruned": given up early by a search.
    resumes: one dict for each time that it went on after a kill or an interruption: `time`, the
        `step` from which it did, and `differing`: what the steps that were made again told
        otherwise than before, empty where they were the same to the last bit. Work that a kill has
        undone is on neither clock.
    task, data, backbone, loss, optimizer, schedule: names of the files chosen in `conf/`.
    group_hash: the hash of the configuration without its seed; repeats share it.
    data_card: a `DataCard` as a dict; holds the fingerprint and whether the data is synthetic.
    metrics: final values by "split/metric", those of the best weights.
    intervals: of those of the test split, over its items: 95% (low, high, method) by "test/metric".
    directions: "maximize" or "minimize" by metric, where it tells.
    standings: a `suite.standing.Standing` as a dict for each metric that references are known of,
        the headline first.
    best: step and epoch of the best validation.
    target: metric, threshold and direction; reached: step, examples, both clocks and, where they
        are known, joules when it was, or None.
    stopped: "length", "target", "convergence", "time", "divergence" or "pruned".
    troubles: what went wrong in a training that went on: `skipped_steps`, whose loss or gradient
        was not finite, and `diverged_at_step`. Empty where nothing did.
    throughput: by name and unit: examples_per_second, units_per_second, step_seconds_p50, …
    model: parameters, those that are trained, and FLOPs of one example: of a forward pass, and of
        training, forward and backward.
    energy: joules on the training clock, and by example; empty where they are unavailable.
    profile: seconds of a profiled step by part (`forward_seconds`, …); empty where not asked for.
    basis: what figures rest on: `flops`, `peak` with `peak_flops_per_second`, and `energy`
        ("measured_nvml", "measured_rapl", "estimated" or "unavailable") with `energy_covers`.
    techniques: which techniques of speed were in force, each "on" or "off" and why; of `threads`
        how many; and whether training was `deterministic`.
    hand_made: of a model on hand-made features: which (`features`), how many of an example, the
        seconds they took to make (no part of training_seconds), the training examples fitted on,
        and C. Empty where a network finds its own.
    """

    run_id: str
    name: str
    schema: int = SCHEMA
    status: str = "running"
    error: str | None = None
    resumes: list[dict[str, Any]] = field(default_factory=list)
    started: str = ""
    sweep: str | None = None
    task: str = ""
    data: str = ""
    backbone: str = ""
    loss: str = ""
    optimizer: str = ""
    schedule: str = ""
    seed: int = 0
    overrides: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    config_hash: str = ""
    group_hash: str = ""
    data_card: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    git: dict[str, Any] = field(default_factory=dict)
    unit: str = ""
    primary: str = ""
    direction: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float, str]] = field(default_factory=dict)
    directions: dict[str, str] = field(default_factory=dict)
    standings: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, float] = field(default_factory=dict)
    target: dict[str, Any] = field(default_factory=dict)
    reached: dict[str, float] | None = None
    references: list[dict[str, Any]] = field(default_factory=list)
    stopped: str = ""
    steps: int = 0
    epochs: float = 0.0
    examples: int = 0
    units: float = 0.0
    training_seconds: float = 0.0
    wall_seconds: float = 0.0
    throughput: dict[str, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    energy: dict[str, float] = field(default_factory=dict)
    profile: dict[str, float] = field(default_factory=dict)
    basis: dict[str, Any] = field(default_factory=dict)
    model: dict[str, float] = field(default_factory=dict)
    techniques: dict[str, str] = field(default_factory=dict)
    hand_made: dict[str, Any] = field(default_factory=dict)
    troubles: dict[str, int] = field(default_factory=dict)

    @property
    def data_name(self) -> str:
        """Name of the data set itself: two folders read by one kind of source are two sets."""
        return str(self.data_card.get("name") or self.data)

    def plain(self) -> dict[str, Any]:
        """Return the record as a dict for JSON."""
        return asdict(self)

    def write(self, folder: Path) -> None:
        """Write `record.json` into the run's folder, whole or not at all."""
        with atomic_path(folder / "record.json") as path:
            path.write_text(json.dumps(self.plain(), indent=1, sort_keys=True) + "\n")

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> "RunRecord":
        """Return the record that `plain` describes; fields of a later schema are left out.

        Raises `DataError` where its `run_id` is no name.
        """
        known = {f.name for f in fields(cls)}
        run = str(plain.get("run_id", ""))
        # It is the name of the run's folder, also where the record comes from elsewhere.
        if not plain_name(run):
            raise DataError(f"run_id={run!r}: is no name of a run")
        return cls(**{k: v for k, v in plain.items() if k in known})

    @classmethod
    def read(cls, path: Path) -> "RunRecord":
        """Read a `record.json`; fields of a later schema are left out."""
        try:
            return cls.of(json.loads(path.read_text()))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DataError(f"{path}: not a run record ({error})") from error


def read_records(results: Path) -> list[RunRecord]:
    """Return the records of all runs in a results folder, oldest first."""
    records = [RunRecord.read(path) for path in sorted(results.glob("runs/*/record.json"))]
    return sorted(records, key=lambda record: record.started)
