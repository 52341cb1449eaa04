"""One run: all of its configuration, and its hash."""

from __future__ import annotations

import enum
import hashlib
import json
import re
import types
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, ClassVar

from suite.config.machine import OF_NETWORKS, HardwareConfig, Parallel, PrecisionConfig
from suite.config.node import Node
from suite.config.plugin import KNOWLEDGE, PORTIONS
from suite.config.shallow import HandMadeConfig
from suite.config.trainer import TrainerConfig
from suite.errors import ConfigError
from suite.trust.secrets import holds_secret


@dataclass(kw_only=True)
class TrackingConfig(Node):
    """Where a run's numbers go beside its journal."""

    group: ClassVar[str] = "tracking"

    enabled: bool = True
    """Send the journal to MLflow."""
    uri: str | None = None
    """MLflow tracking URI; null is sqlite in the results folder. A password belongs into the
    environment (MLFLOW_TRACKING_PASSWORD, PGPASSWORD), where the command line puts it too."""
    experiment: str | None = None
    """MLflow experiment; null is the task's name, or in a sweep the sweep's."""
    log_model: bool = True
    """Keep the best model with the run, in a format that loads without unpickling."""
    figures: bool = True
    """Keep curves and the task's pictures with the run."""
    register: str | None = None
    """Enter the model into MLflow's registry under this name, as a new version; true names it after
    task, data set and backbone."""

    def __post_init__(self) -> None:
        if self.uri is not None and holds_secret(self.uri):
            # Without the value: this line is printed and kept.
            raise ConfigError(
                "tracking.uri: holds a password or token, and configurations are kept with every "
                "run; take it out and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, "
                "MLFLOW_TRACKING_TOKEN or, for PostgreSQL, PGPASSWORD"
            )
        if self.register is not None and self.register.lower() == "false":
            self.register = None
        name = self.register
        plain = name is None or re.fullmatch(r"[\w-][\w.-]*", name)
        self.require("register", bool(plain), "true, or a name of letters, digits and - _ . alone")
        kept = name is None or (self.enabled and self.log_model)
        self.require("register", kept, "null without tracking.enabled and tracking.log_model")


_LEAVE_NO_TRACE = (
    "profile", "data_stall", "checkpoint", "divergence", "stall_seconds", "hang_seconds",
    "on_nonfinite", "max_nonfinite",
)  # fmt: skip
"""Keys of the trainer that cannot change what a run ends with. Of two that differ in the last two
alone, both end, and then alike, or one fails."""
_WHERE_UNUSED = ("micro_batch", "stop_at_divergence", "evaluations")
"""Keys of the trainer that change nothing as long as they are not used."""


class OnChange(enum.Enum):
    """What to do where a sweep of this name, or of this command, has other runs."""

    refuse = "refuse"
    extend = "extend"
    new = "new"


@dataclass(kw_only=True)
class SweepConfig(Node):
    """The sweep that `-m` makes. It has no part in a single run."""

    group: ClassVar[str] = "sweep"

    name: str | None = None
    """Name of its folder in results/sweeps/ and of its parent run in MLflow; null makes one of what
    varies and the sweep's identity."""
    on_change: OnChange = OnChange.refuse
    """Where a sweep of this name or command has other runs: refuse and show the difference, extend
    it by those that it lacks, or begin a new one beside it."""

    def __post_init__(self) -> None:
        plain = self.name is None or re.fullmatch(r"[\w.,=+-]+", self.name)
        safe = self.name is None or not self.name.startswith(".")
        self.require("name", bool(plain) and safe, "letters, digits and - _ . , = + alone")


@dataclass(kw_only=True)
class RunConfig(Node):
    """One run."""

    seed: int = 0
    """Seeds weights, order, augmentation and dropout."""
    name: str | None = None
    """Name of the run; null is task, data, backbone, optimizer and seed."""
    results: str = "results"
    """Folder for records, journals, checkpoints and the default MLflow database."""
    resume: bool = True
    """Go on with a run of this very configuration that was killed or interrupted; false begins a
    new one."""
    cache: str | None = None
    """Folder for generated data; null is $TRIATHLON_CACHE, else ~/.cache/triathlon."""
    task: Any = None
    data: Any = None
    backbone: Any = None
    loss: Any = None
    optimizer: Any = None
    schedule: Any = None
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    precision: PrecisionConfig = field(default_factory=PrecisionConfig)
    hardware: HardwareConfig = field(default_factory=HardwareConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    sweep: SweepConfig = field(default_factory=SweepConfig)
    choices: dict[str, str | None] = field(default_factory=dict)
    """Which file of each group was composed; filled by the suite."""

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise ConfigError(f"seed={self.seed}: must be 0 or above")

    def hash(self, *, seed: bool = True) -> str:
        """Return 12 hex digits of `identity`, and so of anything that can change the result."""
        text = json.dumps(self.identity(seed=seed), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def identity(self, *, seed: bool = True) -> dict[str, Any]:
        """Return what of the configuration can change the result.

        Where results and tracking go is left out, how data gets here, what is kept to go on from,
        and what is known of others' results; so is what plays no part where features are hand-made,
        and the seed unless `seed`, so that repeats share a hash.
        """
        config = self.plain()
        for key in ("name", "results", "resume", "cache", "tracking", *(() if seed else ("seed",))):
            config.pop(key)
        config["choices"].pop("tracking", None)
        for key in _LEAVE_NO_TRACE:
            config["trainer"].pop(key)
        for key in _WHERE_UNUSED:
            if not config["trainer"][key]:
                config["trainer"].pop(key)
        for key in ("workers", "worker_timeout", "watts", "keep_memory"):
            config["hardware"].pop(key)
        if self.hardware.parallel is Parallel.ddp:  # as in all that ran before there was a choice
            config["hardware"].pop("parallel")
        for key in (*KNOWLEDGE, "download"):
            (config["data"] or {}).pop(key, None)
        for group, keys in self._later().items():
            node = config[group] or {}
            for key in keys:
                if node.get(key) is None:
                    node.pop(key, None)
        if isinstance(self.backbone, HandMadeConfig):
            for key in ("trainer", "precision"):
                config.pop(key)
                config["choices"].pop(key, None)
            for key in OF_NETWORKS:
                config["hardware"].pop(key, None)
        return config

    def _later(self) -> dict[str, tuple[str, ...]]:
        """Return keys that older configurations lack, by group: null is as if they were not."""
        task = getattr(self.task, "later", ())
        return {"data": PORTIONS, "optimizer": ("base_width",), "task": task}

    def plain(self) -> dict[str, Any]:
        """Return the configuration as dicts, lists, numbers and strings, without the sweep's."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "sweep"}
        plain: dict[str, Any] = _plain(own)
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, types.SimpleNamespace):
        return _plain(vars(value))
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value
