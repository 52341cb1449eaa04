"""The sets that claims are tested on, as `conf/claims/` describes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from suite.errors import ConfigError, nearest


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """Values of one option, from small to large. key: the option."""

    key: str
    values: Sequence[int | float]

    def overrides(self) -> list[str]:
        """Return the override that each value makes."""
        return [f"{self.key}={value}" for value in self.values]


@dataclass(frozen=True, kw_only=True)
class ClaimSet:
    """One data set, and how large the experiments on it are.

    name: what it is called. overrides: task, data, network and length of training of every run.
    deep: overrides of the network whose layers are looked into. rates: learning rates by optimizer;
    the middle one of `optimizer` is what all other experiments use. losses: those to compare.
    sizes, width, depth, dimension, compute: the ladders of the scaling experiments, from small to
    large.
    shallow: all overrides of a model on hand-made features. plain: overrides of deep networks,
    whole (`deep`), `without_residual` and `without_normalisation`.
    kernels: overrides of a network whose first layer are kernels on pictures, of 5 by 5 at least.
    filters: overrides of one that hears waves by filters of its own.
    counterpart: a set of another modality that has labels of this one.
    """

    name: str
    overrides: Sequence[str]
    optimizer: str
    rates: Mapping[str, Sequence[float]]
    sizes: Ladder
    width: Ladder
    depth: Ladder
    dimension: Ladder
    compute: Ladder
    losses: Sequence[str] = ()
    deep: Sequence[str] = ()
    shallow: Sequence[str] = ()
    plain: Mapping[str, Sequence[str]] = field(default_factory=dict)
    kernels: Sequence[str] = ()
    filters: Sequence[str] = ()
    counterpart: str | None = None

    def middle(self, optimizer: str) -> float:
        """Return the learning rate in the middle of an optimizer's."""
        rates = self.rates[optimizer]
        return rates[len(rates) // 2]


def names() -> list[str]:
    """Return the names of the sets in `conf/claims/`."""
    return sorted(
        path.name.removesuffix(".yaml")
        for path in files("conf").joinpath("claims").iterdir()
        if path.name.endswith(".yaml")
    )


def read_set(name: str) -> ClaimSet:
    """Return the set of this name in `conf/claims/`, or that a file describes."""
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        try:
            return _parsed(path.stem, path.read_text(), name)
        except OSError as error:
            raise ConfigError(f"--set {name}: cannot be read ({error.strerror})") from error
    known = names()
    if name not in known:
        raise ConfigError(
            f"--set {name}: no such set; there are {', '.join(known)}, and any file ….yaml"
            f"{nearest(name, known)}"
        )
    text = files("conf").joinpath("claims", f"{name}.yaml").read_text()
    return _parsed(name, text, f"conf/claims/{name}.yaml")


def _parsed(name: str, text: str, place: str) -> ClaimSet:
    try:
        plain: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{place}: is not YAML ({' '.join(str(error).split())})") from error
    if not isinstance(plain, dict):
        raise ConfigError(f"{place}: has to hold keys; see conf/claims/digits.yaml")
    known = {f.name for f in fields(ClaimSet)} - {"name"}
    for key in plain:
        if key not in known:
            raise ConfigError(f"{place}: {key}: no such key{nearest(str(key), known)}")
    for key in ("sizes", "width", "depth", "dimension", "compute"):
        if not isinstance(plain.get(key), dict) or set(plain[key]) != {"key", "values"}:
            raise ConfigError(f"{place}: {key}: give key and values")
        plain[key] = Ladder(**plain[key])
    plain["rates"] = {k: _numbers(place, k, v) for k, v in (plain.pop("rates", None) or {}).items()}
    if not plain["rates"]:
        del plain["rates"]
    try:
        found = ClaimSet(name=name, **plain)
    except TypeError as error:
        raise ConfigError(f"{place}: {str(error).partition(') ')[2]}") from error
    if found.optimizer not in found.rates:
        raise ConfigError(f"{place}: optimizer={found.optimizer}: has no rates")
    return found


def _numbers(place: str, optimizer: str, given: Any) -> tuple[float, ...]:
    """Return learning rates as numbers: YAML takes 1e-3, without a point, for a text."""
    try:
        return tuple(float(value) for value in given)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{place}: rates.{optimizer}={given}: give numbers") from error
