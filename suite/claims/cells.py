"""The runs that a claim needs on a set, each named by what it varies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from suite.claims.sets import ClaimSet

SEEDS = (0, 1, 2)
"""Seeds of every experiment: the fewest that an interval can be given for."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One run.

    study, axes: what it is part of, and where. overrides: those of a command. looks: functions of
    `suite.claims.looks` that look into it once it is finished.
    """

    study: str
    axes: Mapping[str, object] = field(default_factory=dict)
    seed: int
    overrides: tuple[str, ...]
    looks: tuple[str, ...] = ()


def cell(
    one: ClaimSet,
    study: str,
    seed: int,
    *more: str,
    optimizer: str | None = None,
    rate: float | None = None,
    axes: Mapping[str, object] | None = None,
    looks: tuple[str, ...] = (),
) -> Cell:
    """Return a run of a set. more: overrides beyond the set's own; the last of one key counts."""
    chosen = optimizer or one.optimizer
    given = [
        *one.overrides,
        f"optimizer={chosen}",
        f"optimizer.lr={one.middle(chosen) if rate is None else rate:g}",
        *more,
        f"seed={seed}",
    ]
    # Of two overrides for one key Hydra takes the last, but of two for a group it refuses both.
    by_key = {override.partition("=")[0]: override for override in given}
    overrides = tuple(by_key.values())
    return Cell(study=study, axes=axes or {}, seed=seed, overrides=overrides, looks=looks)


def repeated(
    one: ClaimSet, study: str, places: Sequence[tuple[str, Mapping[str, object]]]
) -> list[Cell]:
    """Return a run of each seed at each place: an override, and where that is on which axes."""
    return [
        cell(one, study, seed, override, axes=axes) for override, axes in places for seed in SEEDS
    ]
