"""What a search chooses from, in the words that Hydra has for it on the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite.errors import ConfigError
from suite.sweeps.grid import of_the_sweep, values_of

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override
    from optuna.distributions import BaseDistribution

SEED = "seed"
_INCOMPARABLE = ("task", "data", "experiment", "results", "cache", "tracking", "name")
"""What a search cannot choose: runs that differ in it have no common scale, or are the same."""


@dataclass(frozen=True, kw_only=True)
class Space:
    """What a command asks to search. fixed: overrides of every run."""

    fixed: tuple[str, ...]
    searched: Mapping[str, "BaseDistribution"]
    seeds: tuple[str, ...]

    def job(self, params: Mapping[str, Any], seed: str) -> tuple[str, ...]:
        """Return the overrides of one run of a trial."""
        return (*self.fixed, *(f"{key}={value}" for key, value in params.items()), seed)


def space_of(overrides: Sequence["Override"]) -> Space:
    """Return what a command asks to search; raise a `ConfigError` for what cannot be."""
    fixed: list[str] = []
    searched: dict[str, BaseDistribution] = {}
    seeds: tuple[str, ...] = (f"{SEED}=0",)
    for override in overrides:
        if of_the_sweep(override):
            continue
        key, line = override.get_key_element(), override.input_line
        if override.key_or_group == SEED:
            if override.is_interval_sweep():
                raise ConfigError(f"{line}: seeds are averaged over, not searched; give seed=0,1,2")
            seeds = tuple(values_of(override))
        elif not override.is_sweep_override():
            fixed += values_of(override)
        elif override.key_or_group.partition(".")[0] in _INCOMPARABLE[:3]:
            raise ConfigError(
                f"{line}: values of different data cannot be compared, so it cannot be searched; "
                "give one"
            )
        elif override.key_or_group.partition(".")[0] in _INCOMPARABLE:
            raise ConfigError(f"{line}: does not change a result, so it cannot be searched")
        else:
            searched[key] = distribution_of(override)
    if not searched:
        raise ConfigError(
            "hydra/sweeper=optuna: nothing to search; give a key a range, as "
            "'optimizer.lr=tag(log, interval(1e-4, 1e-1))' or backbone=mlp,lstm"
        )
    return Space(fixed=tuple(fixed), searched=searched, seeds=seeds)


def distribution_of(override: "Override") -> "BaseDistribution":
    """Return Optuna's distribution for Hydra's `interval`, `range`, `choice` or list of values.

    Tags: `log` draws evenly in the logarithm, `int` whole numbers from an interval.
    """
    from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, RangeSweep
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    value: Any = override.value()
    tags = value.tags if isinstance(value, ChoiceSweep | IntervalSweep | RangeSweep) else set()
    log = "log" in tags
    unknown = sorted(tags - {"log", "int", "float"})
    if unknown:
        raise ConfigError(
            f"{override.input_line}: no such tag as {unknown[0]}; there are log and int"
        )
    try:
        if isinstance(value, IntervalSweep):
            if value.start is None or value.end is None:
                raise ValueError("an interval has two ends")
            if "int" in tags:  # Hydra reads the ends as floats
                return IntDistribution(int(value.start), int(value.end), log=log)
            return FloatDistribution(float(value.start), float(value.end), log=log)
        if isinstance(value, RangeSweep) and value.start is not None and value.stop is not None:
            numbers = list(value.range())
            if all(isinstance(number, int) for number in numbers) and numbers and not log:
                return IntDistribution(int(numbers[0]), int(numbers[-1]), step=int(value.step))
        choices = [one.partition("=")[2] for one in values_of(override)]
        return CategoricalDistribution(choices)
    except ValueError as error:
        raise ConfigError(f"{override.input_line}: {str(error).splitlines()[0]}") from error
