import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from suite.errors import ConfigError
from suite.sweeps.space import distribution_of, space_of


def parsed(*lines: str) -> list[Override]:
    return OverridesParser.create().parse_overrides(list(lines))


@pytest.mark.parametrize(
    ("line", "distribution"),
    [
        ("a=interval(0.1,2)", FloatDistribution(0.1, 2.0)),
        ("a=tag(log, interval(1e-4, 1e-1))", FloatDistribution(1e-4, 1e-1, log=True)),
        ("a=tag(int, interval(1,8))", IntDistribution(1, 8)),
        ("a=tag(log, int, interval(1, 64))", IntDistribution(1, 64, log=True)),
        ("a=range(2,9,2)", IntDistribution(2, 8, step=2)),
        ("a=choice(0.1,0.2)", CategoricalDistribution(["0.1", "0.2"])),
        ("a=x,y", CategoricalDistribution(["x", "y"])),
    ],
)
def test_hydras_sweeps_are_optunas_distributions(line: str, distribution: object) -> None:
    assert distribution_of(parsed(line)[0]) == distribution


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["seed=interval(0,9)", "a=1,2"], "seeds are averaged over, not searched"),
        (["task=a,b"], "task=a,b: values of different data cannot be compared"),
        (["results=a,b"], "results=a,b: does not change a result"),
        (["a=1"], "nothing to search"),
        (["a=tag(log, interval(0, 1))"], r"a=tag\(log"),
        (["a=tag(lin, interval(0, 1))"], "no such tag as lin"),
    ],
)
def test_what_cannot_be_searched_is_refused(lines: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        space_of(parsed(*lines))


def test_seeds_are_repeats_and_what_has_one_value_is_fixed() -> None:
    space = space_of(parsed("a=1,2", "seed=3,4", "b=5", "sweep.name=x"))
    assert (space.fixed, space.seeds) == (("b=5",), ("seed=3", "seed=4"))
    assert space.job({"a": "2"}, "seed=4") == ("b=5", "a=2", "seed=4")
    assert space_of(parsed("a=1,2")).seeds == ("seed=0",)
